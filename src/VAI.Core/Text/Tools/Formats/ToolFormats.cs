namespace VAI.Text.Tools.Formats;

/// <summary>The formats of published models, found by what their templates write.</summary>
internal static class ToolFormats
{
    /// <summary>Of models whose template has none that is known here: they are told of it (<see cref="ToolNotice"/>).</summary>
    public static ToolFormat Generic { get; } = new() { Name = "generic", Trigger = "<tool_call>", CallOpen = "<tool_call>\n", CallClose = "\n</tool_call>", Between = "\n" };

    private static readonly ToolFormat Lfm2 = new()
    {
        Name = "lfm2",
        Trigger = "<|tool_call_start|>",
        SectionOpen = "<|tool_call_start|>[",
        SectionClose = "]<|tool_call_end|>",
        NameKey = null,
        Between = ", ",
        Literals = new() { Open = '(', Close = ')', Assign = '=', QuotedKeys = true },
    };

    // The first whose marks all stand in the template is the model's.
    private static readonly (string[] Marks, string[] Without, ToolFormat Format)[] Known =
    [
        (["<function=", "<parameter=", "<seed:tool_call>"], [], new()
        {
            Name = "seed-oss", Trigger = "<seed:tool_call>", CallOpen = "<seed:tool_call>\n<function=", NameKey = null, NameClose = ">\n",
            CallClose = "</function>\n</seed:tool_call>", Between = "\n", Tags = new() { KeyOpen = "<parameter=", KeyClose = ">", Close = "</parameter>", After = "\n", PythonWords = true },
        }),
        (["<function=", "<parameter="], [], new()
        {
            Name = "qwen3-coder", Trigger = "<tool_call>", CallOpen = "<tool_call>\n<function=", NameKey = null, NameClose = ">\n",
            CallClose = "</function>\n</tool_call>", Between = "\n",
            Tags = new() { KeyOpen = "<parameter=", KeyClose = ">", Padding = "\n", Close = "</parameter>", After = "\n", PythonWords = true },
        }),
        (["<arg_key>", "</arg_key><arg_value>"], [], new()
        {
            Name = "glm-4.7", Trigger = "<tool_call>", CallOpen = "<tool_call>", NameKey = null, CallClose = "</tool_call>",
            Tags = new() { KeyOpen = "<arg_key>", KeyClose = "</arg_key><arg_value>", Close = "</arg_value>" },
        }),
        (["<arg_key>", "<arg_value>"], [], new()
        {
            Name = "glm-4.5", Trigger = "<tool_call>", CallOpen = "<tool_call>", NameKey = null, NameClose = "\n", CallClose = "</tool_call>", Between = "\n",
            Tags = new() { KeyOpen = "<arg_key>", KeyClose = "</arg_key>\n<arg_value>", Close = "</arg_value>", After = "\n" },
        }),
        (["<minimax:tool_call>", "<invoke name=", "<parameter name="], ["]<]minimax[>["], new()
        {
            Name = "minimax-m2", Trigger = "<minimax:tool_call>", SectionOpen = "<minimax:tool_call>\n", SectionClose = "</minimax:tool_call>",
            CallOpen = "<invoke name=\"", NameKey = null, NameClose = "\">\n", CallClose = "</invoke>\n",
            Tags = new() { KeyOpen = "<parameter name=\"", KeyClose = "\">", Close = "</parameter>", After = "\n" },
        }),
        (["｜DSML｜", "function_calls>"], [], Dsml("deepseek-v3.2", "function_calls")),
        (["｜DSML｜", "tool_calls>"], [], Dsml("deepseek-v4", "tool_calls")),
        (["<|\"|>", "<|tool_call>"], [], new()
        {
            Name = "gemma-4", Trigger = "<|tool_call>", CallOpen = "<|tool_call>call:", NameKey = null, CallClose = "<tool_call|>", Literals = new() { Quote = "<|\"|>" },
        }),
        (["<start_function_call>", "<escape>"], [], new()
        {
            Name = "functiongemma", Trigger = "<start_function_call>", CallOpen = "<start_function_call>call:", NameKey = null, CallClose = "<end_function_call>",
            Literals = new() { Quote = "<escape>" },
        }),
        (["<|tool_call_start|>"], [], Lfm2),
        (["<|tool_list_start|>"], [], Lfm2),
        (["<|channel|>", "<|message|>", "commentary", "functions"], [], new()
        {
            Name = "gpt-oss", Trigger = "<|channel|>commentary to=functions.", CallOpen = "<|channel|>commentary to=functions.", NameKey = null,
            NameClose = " <|constrain|>json<|message|>", Between = null, PartOpen = "<|start|>assistant", PartClose = "<|end|>",
        }),
        ([">>>all"], [], new()
        {
            Name = "functionary-3.2", Trigger = ">>>", CallOpen = ">>>", NameKey = null, NameClose = "\n", Begun = ">>>", SaidOpen = "all\n",
        }),
        (["<|tools_prefix|>"], [], new()
        {
            Name = "apertus", Trigger = "<|tools_prefix|>", SectionOpen = "<|tools_prefix|>[", SectionClose = "]<|tools_suffix|>", CallOpen = "{\"", NameKey = null,
            NameClose = "\": ", CallClose = "}", Between = ", ",
        }),
        (["[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"], [], new()
        {
            Name = "mistral-small", Trigger = "[TOOL_CALLS]", CallOpen = "[TOOL_CALLS]", NameKey = null, IdOpen = "[CALL_ID]", NameClose = "[ARGS]",
        }),
        (["[TOOL_CALLS]", "[ARGS]"], [], new() { Name = "ministral", Trigger = "[TOOL_CALLS]", CallOpen = "[TOOL_CALLS]", NameKey = null, NameClose = "[ARGS]" }),
        (["[TOOL_CALLS]"], [], new() { Name = "mistral", Trigger = "[TOOL_CALLS]", SectionOpen = "[TOOL_CALLS][", SectionClose = "]", Between = ", ", IdKey = "id" }),
        (["<｜tool▁calls▁begin｜>", "<｜tool▁sep｜>", "```json"], [], new()
        {
            Name = "deepseek-r1", Trigger = "<｜tool▁calls▁begin｜>", SectionOpen = "<｜tool▁calls▁begin｜>", SectionClose = "<｜tool▁calls▁end｜>", NameKey = null,
            CallOpen = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>", NameClose = "\n```json\n", CallClose = "\n```<｜tool▁call▁end｜>", Between = "\n",
        }),
        (["<｜tool▁calls▁begin｜>", "<｜tool▁sep｜>"], [], new()
        {
            Name = "deepseek-v3.1", Trigger = "<｜tool▁calls▁begin｜>", SectionOpen = "<｜tool▁calls▁begin｜>", SectionClose = "<｜tool▁calls▁end｜>", NameKey = null,
            CallOpen = "<｜tool▁call▁begin｜>", NameClose = "<｜tool▁sep｜>", CallClose = "<｜tool▁call▁end｜>",
        }),
        (["<|tool_calls_section_begin|>", "<|tool_call_argument_begin|>"], [], new()
        {
            Name = "kimi-k2", Trigger = "<|tool_calls_section_begin|>", SectionOpen = "<|tool_calls_section_begin|>", SectionClose = "<|tool_calls_section_end|>",
            CallOpen = "<|tool_call_begin|>functions.", NameKey = null, IdOpen = ":", IdHead = "functions.", IdPattern = "[0-9]{1,3}", NameClose = "<|tool_call_argument_begin|>",
            CallClose = "<|tool_call_end|>",
        }),
        (["<|START_ACTION|>"], [], new()
        {
            Name = "command", Trigger = "<|START_ACTION|>", SectionOpen = "<|START_ACTION|>[", SectionClose = "]<|END_ACTION|>", Between = ",\n", NameKey = "tool_name",
            ArgumentsKey = "parameters", IdKey = "tool_call_id", IdFirst = true, IdPattern = "[0-9]{1,2}",
        }),
        (["<TOOLCALL>"], [], new() { Name = "nemotron", Trigger = "<TOOLCALL>", SectionOpen = "<TOOLCALL>[", SectionClose = "]</TOOLCALL>", Between = ", " }),
        (["<tool_calls>"], ["<tool_call>"], new() { Name = "apriel", Trigger = "<tool_calls>", SectionOpen = "<tool_calls>[", SectionClose = "]</tool_calls>", Between = ", " }),
        (["<|tool_call|>", "<|/tool_call|>"], [], new()
        {
            Name = "phi-4-mini", Trigger = "<|tool_call|>", SectionOpen = "<|tool_call|>[", SectionClose = "]<|/tool_call|>", Between = ", ",
        }),
        (["<|tool_call|>"], ["<|tool_call>"], new() { Name = "granite", Trigger = "<|tool_call|>", SectionOpen = "<|tool_call|>[", SectionClose = "]", Between = ", " }),
        (["<tool_call>"], ["<invoke"], Generic with { Name = "hermes" }),
        (["<function=", "</function>"], [], new() { Name = "functionary", Trigger = "<function=", CallOpen = "<function=", NameKey = null, NameClose = ">", CallClose = "</function>" }),
        (["ipython", "\"parameters\""], [], new() { Name = "llama-3", Trigger = "", ArgumentsKey = "parameters", Between = null }),
    ];

    /// <summary>All of them.</summary>
    public static IEnumerable<ToolFormat> All => Known.Select(k => k.Format).Distinct().Append(Generic);

    /// <summary>That of a template; null where none of these is its own.</summary>
    public static ToolFormat? Find(string source) =>
        Known.FirstOrDefault(k => k.Marks.All(m => source.Contains(m, StringComparison.Ordinal)) && !k.Without.Any(m => source.Contains(m, StringComparison.Ordinal))).Format;

    private static ToolFormat Dsml(string name, string section) => new()
    {
        Name = name,
        Trigger = $"<｜DSML｜{section}>",
        SectionOpen = $"<｜DSML｜{section}>\n",
        SectionClose = $"</｜DSML｜{section}>",
        CallOpen = "<｜DSML｜invoke name=\"",
        NameKey = null,
        NameClose = "\">\n",
        CallClose = "</｜DSML｜invoke>\n",
        Tags = new()
        {
            KeyOpen = "<｜DSML｜parameter name=\"",
            KeyClose = "\" string=\"",
            TextOpen = "true\">",
            ValueOpen = "false\">",
            Close = "</｜DSML｜parameter>",
            After = "\n",
        },
    };
}
