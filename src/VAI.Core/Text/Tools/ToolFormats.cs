namespace VAI.Text.Tools;

/// <summary>The formats of published models, found by what their templates write.</summary>
internal static class ToolFormats
{
    /// <summary>Of models whose template has none that is known here: they are told of it (<see cref="ToolNotice"/>).</summary>
    public static ToolFormat Generic { get; } = new() { Name = "generic", Trigger = "<tool_call>", CallOpen = "<tool_call>\n", CallClose = "\n</tool_call>", Between = "\n" };

    // The first whose marks all stand in the template is the model's.
    private static readonly (string[] Marks, string[] Without, ToolFormat Format)[] Known =
    [
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
            CallOpen = "<|tool_call_begin|>functions.", NameKey = null, IdOpen = ":", IdPattern = "[0-9]{1,3}", NameClose = "<|tool_call_argument_begin|>",
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
        (["<tool_call>"], ["<parameter=", "<arg_key>", "<invoke"], new()
        {
            Name = "hermes", Trigger = "<tool_call>", CallOpen = "<tool_call>\n", CallClose = "\n</tool_call>", Between = "\n",
        }),
        (["<function=", "</function>"], ["<parameter="], new() { Name = "functionary", Trigger = "<function=", CallOpen = "<function=", NameKey = null, NameClose = ">", CallClose = "</function>" }),
        (["ipython", "\"parameters\""], [], new() { Name = "llama-3", Trigger = "", ArgumentsKey = "parameters", Between = null }),
    ];

    /// <summary>All of them.</summary>
    public static IEnumerable<ToolFormat> All => Known.Select(k => k.Format).Append(Generic);

    /// <summary>That of a template; null where none of these is its own.</summary>
    public static ToolFormat? Find(string source) =>
        Known.FirstOrDefault(k => k.Marks.All(m => source.Contains(m, StringComparison.Ordinal)) && !k.Without.Any(m => source.Contains(m, StringComparison.Ordinal))).Format;
}
