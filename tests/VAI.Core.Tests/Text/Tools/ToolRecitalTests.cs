using System.Text.Json;
using VAI.Forge;

namespace VAI.Core.Tests.Text.Tools;

/// <summary>A model of each family's tokens and template calls tools through the whole engine: what it says beside calls, and the calls, are told apart.</summary>
public sealed class ToolRecitalTests(ForgedModels models) : EngineTest(models)
{
    private const string Parameters = """{"type":"object","properties":{"city":{"type":"string","maxLength":20},"days":{"type":"integer"},"at":{"type":"array","items":{"type":"string"}}},"required":["city"]}""";
    private const string Tags = "<|im_end|> <think> </think>";

    // How a template writes the call, control tokens, what the model writes, and what of it is said and thought.
    public static TheoryData<string, string, string, string, string> Families { get; } = new()
    {
        { "<tool_call>\n<function=x>\n<parameter=k>", Tags, "Let me see.\n<tool_call>\n<function=weather>\n<parameter=city>\nParis\n</parameter>\n<parameter=days>\n2\n</parameter>\n<parameter=at>\n[\"a\"]\n</parameter>\n</function>\n</tool_call>", "Let me see.\n", "" },
        { "<tool_call>x<arg_key></arg_key>\n<arg_value>", Tags + " <arg_key> </arg_key> <arg_value> </arg_value>", "<think>hm</think>\n<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n<arg_key>at</arg_key>\n<arg_value>[\"a\"]</arg_value>\n</tool_call>", "", "hm" },
        { "｜DSML｜ function_calls>", Tags + " ｜DSML｜", "Ok\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"weather\">\n<｜DSML｜parameter name=\"city\" string=\"true\">Paris</｜DSML｜parameter>\n<｜DSML｜parameter name=\"days\" string=\"false\">2</｜DSML｜parameter>\n<｜DSML｜parameter name=\"at\" string=\"false\">[\"a\"]</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>", "Ok\n\n", "" },
        { "<|tool_call> <|\"|>", Tags + " <|tool_call> <tool_call|> <|\"|>", "<|tool_call>call:weather{city:<|\"|>Paris<|\"|>,days:2,at:[<|\"|>a<|\"|>]}<tool_call|>", "", "" },
        { "<|tool_call_start|>", Tags + " <|tool_call_start|> <|tool_call_end|>", "Ok.<|tool_call_start|>[weather(city='Paris', days=2, at=[\"a\"])]<|tool_call_end|>", "Ok.", "" },
        { "<|start|>assistant<|channel|>analysis<|message|>.<|end|><|start|>assistant<|channel|>final<|message|> commentary functions", Tags + " <|start|> <|channel|> <|message|> <|constrain|> <|end|> <|call|> <|return|>", "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{\"city\": \"Paris\", \"days\": 2, \"at\": [\"a\"]}", "", "hm" },
        { "<|start|>assistant<|channel|>analysis<|message|>.<|end|><|start|>assistant<|channel|>final<|message|> commentary functions", Tags + " <|start|> <|channel|> <|message|> <|constrain|> <|end|> <|call|> <|return|>", "<|channel|>final<|message|>Wait.<|end|><|start|>assistant<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{\"city\": \"Paris\", \"days\": 2, \"at\": [\"a\"]}", "Wait.", "" },
        { ">>>all", Tags, "all\nOk.>>>weather\n{\"city\": \"Paris\", \"days\": 2, \"at\": [\"a\"]}", "Ok.", "" },
        { ">>>all", Tags, "weather\n{\"city\": \"Paris\", \"days\": 2, \"at\": [\"a\"]}", "", "" },
        { "<|tools_prefix|>", Tags + " <|tools_prefix|> <|tools_suffix|>", "Ok.<|tools_prefix|>[{\"weather\": {\"city\": \"Paris\", \"days\": 2, \"at\": [\"a\"]}}]<|tools_suffix|>", "Ok.", "" },
    };

    [Theory]
    [InlineData(ToolChoice.Auto)]
    [InlineData(ToolChoice.Required)]
    public async Task Thoughts_that_end_as_they_may_be_no_longer_leave_the_choice_of_a_call(ToolChoice choice)
    {
        object[] family = ((IEnumerable<object[]>)Families).First(f => (string)f[4] == "hm" && ((string)f[2]).StartsWith("<|channel|>", StringComparison.Ordinal));
        string script = ((string)family[2]).Replace("hm", "hm, let me think of that for a very long time", StringComparison.Ordinal);
        (Dictionary<InferenceUpdateKind, string> texts, List<ToolCallPart> calls) = await ReciteAsync((string)family[0], (string)family[1], script, choice, budget: 4);
        Assert.StartsWith("hm,", texts[InferenceUpdateKind.Reasoning], StringComparison.Ordinal);
        Assert.DoesNotContain("long", texts[InferenceUpdateKind.Reasoning], StringComparison.Ordinal);
        Assert.True(choice == ToolChoice.Auto || calls.Count == 1);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task A_call_is_recited(string written, string control, string script, string said, string thought)
    {
        (Dictionary<InferenceUpdateKind, string> texts, List<ToolCallPart> calls) = await ReciteAsync(written, control, script, ToolChoice.Auto);
        Assert.Equal((said, thought), (texts.GetValueOrDefault(InferenceUpdateKind.Answer, ""), texts.GetValueOrDefault(InferenceUpdateKind.Reasoning, "")));
        Assert.True(calls.Count == 1, texts.GetValueOrDefault(InferenceUpdateKind.ToolCalls, "none"));
        Assert.Equal(("weather", "{\"city\": \"Paris\", \"days\": 2, \"at\": [\"a\"]}"), (calls[0].Name, calls[0].Arguments));
    }

    private async Task<(Dictionary<InferenceUpdateKind, string> Texts, List<ToolCallPart> Calls)> ReciteAsync(
        string written, string control, string script, ToolChoice choice, int? budget = null)
    {
        string file = Models.NewFile("recital.gguf");
        string template = "{% for t in tools or [] %}{{ t | tojson }}{% endfor %}{% for m in messages %}<|im_start|>{{ m.content }}" + (written.Contains("<|channel|>", StringComparison.Ordinal) ? "" : "{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}")
            + "{% for c in m.tool_calls or [] %}{{ c.function.name }}{{ c.function.arguments | tojson }}{{ '" + written.Replace("\n", "\\n", StringComparison.Ordinal) + "' }}{% endfor %}<|im_end|>{% endfor %}";
        await ModelForge.ForgeReciterAsync(file, new ReciterOptions
        {
            Scripts = [new(script)],
            Template = template,
            ControlTokens = [.. control.Split(' ').Where(c => c is not ("<think>" or "</think>")), "<|im_start|>"],
            Overwrite = true,
        });
        (IVai vai, IModelContext model) = await LoadAsync(file, m => m.Profile = RomProfile.None);
        await using IVai _ = vai;
        JsonElement[] tools = [JsonElement.Parse("{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"parameters\":" + Parameters + "}}")];
        ChatPrompt prompt = await model.RenderChatAsync([new ChatTurn("user", "Weather?")], new ChatRenderOptions { Tools = tools });
        Constraint constraint = Constraint.Tools(prompt, tools, choice);
        var reader = new ToolCallReader(constraint);
        var texts = new Dictionary<InferenceUpdateKind, string>();
        var calls = new List<ToolCallPart>();
        await using IInferenceSession session = model.OpenSession();
        await foreach (InferenceUpdate update in session.InferAsync(prompt, Greedy(300) with { Constraint = constraint, ReasoningBudget = budget }))
        {
            texts[update.Kind] = texts.GetValueOrDefault(update.Kind, "") + update.Text;
            if (update.Kind == InferenceUpdateKind.ToolCalls)
                calls.AddRange(reader.Append(update.Text));
        }

        return (texts, calls);
    }
}
