using System.Text;
using System.Text.Json;
using VAI.Forge;
using VAI.Native.Llama;
using VAI.Residency;
using VAI.Text;
using VAI.Text.Constraints;
using VAI.Text.Constraints.Matching;
using VAI.Text.Tools;
using VAI.Text.Tools.Formats;

namespace VAI.Core.Tests.Text.Tools;

/// <summary>Calls of tools, in the format of each family: whatever tokens come, what is written is read, and fits.</summary>
public sealed class ToolCallTests(ForgedModels models) : EngineTest(models)
{
    private const string Weather = """{"type":"object","properties":{"city":{"type":"string","maxLength":12},"days":{"type":"integer","minimum":1,"maximum":14}},"required":["city"]}""";
    private const string Add = """{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}},"required":["a","b"],"additionalProperties":false}""";

    private static readonly Tool[] Both = [new("weather", Weather, false), new("add_2", Add, true)];

    public static TheoryData<string> Formats { get; } = [.. ToolFormats.All.Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task Any_call_is_read_and_fits(string name)
    {
        ToolFormat format = ToolFormats.All.First(f => f.Name == name);
        int seed = TestVariables.Seed();
        int draws = TestVariables.Draws(20);
        foreach (string shape in new[] { "tiny", "tiny-gemma3" })
        {
            (IVai vai, IModelContext model) = await LoadAsync(Models[shape]);
            await using IVai _ = vai;
            LlamaVocab vocab = ((ModelContext)model).Model.Vocab;
            foreach (ToolRequest request in new[]
            {
                new ToolRequest(format, Both, ToolChoice.Required, true, null), new ToolRequest(format, [Both[1]], ToolChoice.Required, false, null),
                new ToolRequest(format, Both, ToolChoice.Auto, true, null), new ToolRequest(format, Both, ToolChoice.None, true, null),
            })
            {
                var constraint = new Constraint(ConstraintKind.Tools, request.Write());
                MaskedMatcher matcher = CompiledConstraint.Of(constraint).Take(vocab);
                var random = new Random(seed);
                int ended = 0;
                for (int i = 0; i < draws; i++)
                {
                    if (RandomTokens.Draw(matcher, vocab, random, 300) is not { } tokens)
                        continue;
                    ended++;
                    (string said, List<ToolCallPart> calls) = Read(constraint, vocab, tokens);
                    string where = $"seed {seed}, {shape}, {request.Choice}, {i}: {said} {string.Join(' ', calls)}";
                    Assert.True(request.Choice != ToolChoice.Required || (calls.Count > 0 && said.Length == 0), where);
                    Assert.True(request.Choice != ToolChoice.None || calls.Count == 0, where);
                    Assert.True((request.Parallel && format.Between is not null) || calls.Count <= 1, where);
                    Assert.All(calls, c => Assert.True(
                        request.Tools.Any(t => t.Name == c.Name && Json.Schema.JsonSchema.FromText(t.Parameters).Evaluate(JsonElement.Parse(c.Arguments)).IsValid), where));
                    Assert.All(calls, c => Assert.False(string.IsNullOrEmpty(c.Id), where));
                }

                Assert.True(ended > draws / 3, $"seed {seed}, {shape}, {request.Choice}: {ended} of {draws} came to an end");
            }
        }
    }

    [Theory]
    [InlineData("hermes", "Let me see.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"a}\\\"{\"}}\n</tool_call>\n<tool_call>\n{\"name\": \"add_2\", \"arguments\": {\"a\": 1, \"b\": 2}}\n</tool_call>")]
    [InlineData("mistral", "Let me see.\n[TOOL_CALLS][{\"name\": \"weather\", \"arguments\": {\"city\": \"a}\\\"{\"}, \"id\": \"abcdef123\"}, {\"name\": \"add_2\", \"arguments\": {\"a\": 1, \"b\": 2}, \"id\": \"abcdef124\"}]")]
    [InlineData("mistral-small", "Let me see.\n[TOOL_CALLS]weather[CALL_ID]abcdef123[ARGS]{\"city\": \"a}\\\"{\"}[TOOL_CALLS]add_2[CALL_ID]abcdef124[ARGS]{\"a\": 1, \"b\": 2}")]
    [InlineData("deepseek-v3.1", "Let me see.\n<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>{\"city\": \"a}\\\"{\"}<｜tool▁call▁end｜><｜tool▁call▁begin｜>add_2<｜tool▁sep｜>{\"a\": 1, \"b\": 2}<｜tool▁call▁end｜><｜tool▁calls▁end｜>")]
    [InlineData("kimi-k2", "Let me see.\n<|tool_calls_section_begin|><|tool_call_begin|>functions.weather:0<|tool_call_argument_begin|>{\"city\": \"a}\\\"{\"}<|tool_call_end|><|tool_call_begin|>functions.add_2:1<|tool_call_argument_begin|>{\"a\": 1, \"b\": 2}<|tool_call_end|><|tool_calls_section_end|>")]
    [InlineData("command", "Let me see.\n<|START_ACTION|>[{\"tool_call_id\": \"0\", \"tool_name\": \"weather\", \"parameters\": {\"city\": \"a}\\\"{\"}},\n{\"tool_call_id\": \"1\", \"tool_name\": \"add_2\", \"parameters\": {\"a\": 1, \"b\": 2}}]<|END_ACTION|>")]
    [InlineData("qwen3-coder", "Let me see.\n<tool_call>\n<function=weather>\n<parameter=city>\na}\"{\n</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=add_2>\n<parameter=a>\n1\n</parameter>\n<parameter=b>\n2\n</parameter>\n</function>\n</tool_call>")]
    [InlineData("seed-oss", "Let me see.\n<seed:tool_call>\n<function=weather>\n<parameter=city>a}\"{</parameter>\n</function>\n</seed:tool_call>\n<seed:tool_call>\n<function=add_2>\n<parameter=a>1</parameter>\n<parameter=b>2</parameter>\n</function>\n</seed:tool_call>")]
    [InlineData("glm-4.5", "Let me see.\n<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>a}\"{</arg_value>\n</tool_call>\n<tool_call>add_2\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n<arg_key>b</arg_key>\n<arg_value>2</arg_value>\n</tool_call>")]
    [InlineData("glm-4.7", "Let me see.\n<tool_call>weather<arg_key>city</arg_key><arg_value>a}\"{</arg_value></tool_call><tool_call>add_2<arg_key>a</arg_key><arg_value>1</arg_value><arg_key>b</arg_key><arg_value>2</arg_value></tool_call>")]
    [InlineData("minimax-m2", "Let me see.\n<minimax:tool_call>\n<invoke name=\"weather\">\n<parameter name=\"city\">a}\"{</parameter>\n</invoke>\n<invoke name=\"add_2\">\n<parameter name=\"a\">1</parameter>\n<parameter name=\"b\">2</parameter>\n</invoke>\n</minimax:tool_call>")]
    [InlineData("deepseek-v3.2", "Let me see.\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"weather\">\n<｜DSML｜parameter name=\"city\" string=\"true\">a}\"{</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name=\"add_2\">\n<｜DSML｜parameter name=\"a\" string=\"false\">1</｜DSML｜parameter>\n<｜DSML｜parameter name=\"b\" string=\"false\">2</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>")]
    [InlineData("gemma-4", "Let me see.\n<|tool_call>call:weather{city:<|\"|>a}\"{<|\"|>}<tool_call|><|tool_call>call:add_2{a:1,b:2}<tool_call|>")]
    [InlineData("functiongemma", "Let me see.\n<start_function_call>call:weather{city:<escape>a}\"{<escape>}<end_function_call><start_function_call>call:add_2{a:1,b:2}<end_function_call>")]
    [InlineData("lfm2", "Let me see.\n<|tool_call_start|>[weather(city='a}\"{'), add_2(a=1, b=2)]<|tool_call_end|>")]
    [InlineData("apertus", "Let me see.\n<|tools_prefix|>[{\"weather\": {\"city\": \"a}\\\"{\"}}, {\"add_2\": {\"a\": 1, \"b\": 2}}]<|tools_suffix|>")]
    public void What_models_of_a_family_write_is_allowed_and_read_however_it_is_cut(string name, string written)
    {
        ToolFormat format = ToolFormats.All.First(f => f.Name == name);
        var constraint = new Constraint(ConstraintKind.Tools, new ToolRequest(format, Both, ToolChoice.Auto, true, null).Write());
        Assert.True(constraint.Accepts(written));
        Assert.True(constraint.Accepts("Let me see.\n"));
        Assert.Equal(format.SectionClose.Length == 0, constraint.Accepts(written + "\n"));
        Assert.False(constraint.Accepts(written.Replace("add_2", "other", StringComparison.Ordinal)));
        Assert.All(new[] { "\"b\"", "=b>", ">b<", ",b:", " b=" }, b => Assert.True(
            !written.Contains(b, StringComparison.Ordinal) || !constraint.Accepts(written.Replace(b, b.Replace('b', 'c'), StringComparison.Ordinal))));
        for (int length = 1; length < 40; length += 3)
        {
            var stream = new ToolStream(format);
            var reader = new ToolCallReader(constraint);
            var said = new StringBuilder();
            var calls = new List<ToolCallPart>();
            foreach (char[] piece in written.Chunk(length))
            {
                (string content, string more) = stream.Append(new string(piece));
                said.Append(content);
                calls.AddRange(reader.Append(more));
            }

            said.Append(stream.Finish());
            Assert.Equal("Let me see.\n", said.ToString());
            Assert.Equal(["weather {\"city\": \"a}\\\"{\"}", "add_2 {\"a\": 1, \"b\": 2}"], calls.Select(c => $"{c.Name} {c.Arguments}"));
        }
    }

    [Fact]
    public void What_the_request_does_not_allow_is_refused_by_name()
    {
        ChatPrompt prompt = ChatTemplate.Parse("{{ messages[0].content }}").Render([new("user", "x")], new ChatRenderOptions { Tools = [Definition("f", "{}")] });
        Assert.Contains("tool_call", prompt.Text, StringComparison.Ordinal);
        Assert.Equal(VaiError.InvalidOption, Assert.Throws<VaiUsageException>(() => Constraint.Tools(prompt, [Definition("f", "{}")], name: "g")).Code);
        Assert.Equal(VaiError.InvalidOption, Assert.Throws<VaiUsageException>(() => Constraint.Tools(prompt, [Definition("a b", "{}")])).Code);
        Assert.Equal(VaiError.InvalidOption, Assert.Throws<VaiUsageException>(() => Constraint.Tools(prompt, [], ToolChoice.Required)).Code);
        string twice = Assert.Throws<VaiUsageException>(() => Constraint.Tools(prompt, [Definition("f", "{}"), Definition("f", "{\"type\":\"object\"}")])).Message;
        Assert.Contains("Two tools are named 'f'", twice, StringComparison.Ordinal);
        Assert.Equal(Constraint.Tools(prompt, [Definition("f", "{}")]), Constraint.Tools(prompt, [Definition("f", "{}"), Definition("f", "{}")]));
        Assert.Equal(VaiError.InvalidOption, Assert.Throws<VaiUsageException>(() => Constraint.Tools(prompt, [Definition("f", "{}")], (ToolChoice)9)).Code);
        Assert.Equal(VaiError.InvalidOption, Assert.Throws<VaiUsageException>(() => Constraint.Tools(prompt, [Definition("f", "{}")], ToolChoice.None, "f")).Code);
        Assert.Equal(VaiError.InvalidConstraint, Assert.Throws<VaiUsageException>(() => Constraint.JsonSchema(default(JsonElement))).Code);

        // One odd tool is no reason to refuse all, unless it is strict.
        Assert.True(Constraint.Tools(prompt, [Definition("f", """{"unevaluatedProperties":false}""")]).Accepts("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": [1]}}\n</tool_call>"));
        Assert.Equal(VaiError.InvalidConstraint, Assert.Throws<VaiUsageException>(() => Constraint.Tools(prompt, [Definition("f", """{"unevaluatedProperties":false}""", ",\"strict\":true")])).Code);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[")]
    [InlineData("""{"Format":{"Name":"x","Trigger":"y","CallOpen":null},"Tools":[],"Choice":0,"Parallel":true}""")]
    [InlineData("""{"Format":{"Name":"x","Trigger":"y"},"Tools":[null],"Choice":0,"Parallel":true}""")]
    [InlineData("""{"Format":{"Name":"x","Trigger":"y","NameKey":null,"CallOpen":" "},"Tools":[],"Choice":0,"Parallel":true}""")]
    [InlineData("""{"Format":{"Name":"x","Trigger":"y","Tags":{"KeyOpen":" ","KeyClose":"<","Close":">"}},"Tools":[],"Choice":0,"Parallel":true}""")]
    [InlineData("""{"Format":{"Name":"x","Trigger":"y","Literals":{"Open":"x"}},"Tools":[],"Choice":0,"Parallel":true}""")]
    public void A_constraint_that_was_made_by_somebody_else_is_checked(string text) =>
        Assert.Equal(VaiError.InvalidConstraint, Assert.Throws<VaiUsageException>(() => new Constraint(ConstraintKind.Tools, text).Accepts("")).Code);

    [Fact]
    public void Beside_a_schema_calls_begin_an_answer_or_are_none()
    {
        ToolFormat format = ToolFormats.All.First(f => f.Name == "hermes");
        var stream = new ToolStream(format, atStart: true);
        Assert.Equal(("{\"a\": \"<tool_call>\"}", ""), stream.Append("{\"a\": \"<tool_call>\"}"));
        stream = new ToolStream(format, atStart: true);
        Assert.Equal(("", ""), stream.Append("<tool"));
        Assert.Equal(("", "<tool_call>\n"), stream.Append("_call>\n"));
        Assert.Equal(("<tools>", ""), new ToolStream(format, atStart: true).Append("<tools>"));

        // White space before an answer is a part of it, however long, and none of calls.
        foreach (string behind in new[] { "x", "<tool_call>\n", "" })
        {
            stream = new ToolStream(format, atStart: true);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 100_000; i++)
                Assert.Equal(("", ""), stream.Append(" \n"));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
            (string content, string calls) = stream.Append(behind);
            string space = string.Concat(Enumerable.Repeat(" \n", 100_000));
            Assert.Equal(behind is "<tool_call>\n" ? (behind, "") : ("", space + behind), (calls, content + stream.Finish()));
        }

        // The brace that begins a call of Llama's begins an object too.
        ChatPrompt prompt = ChatTemplate.Parse("{% for m in messages %}{{ m.content }}{% endfor %}{% for t in tools or [] %}{{ t | tojson }}ipython \"parameters\"{% endfor %}")
            .Render([new("user", "x")], new ChatRenderOptions { Tools = [Definition("f", "{}")] });
        var constraint = Constraint.Tools(prompt, [Definition("f", "{}")], otherwise: Constraint.JsonObject);
        Assert.True(constraint.Accepts("{\"answer\": 1}"));
        Assert.True(constraint.Accepts("<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>"));
        Assert.True(Constraint.Tools(prompt, [Definition("f", "{}")]).Accepts("{\"name\": \"f\", \"parameters\": {}}"));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"properties":{"city":{"type":"string"}}}""")]
    [InlineData("""{"type":["object","null"]}""")]
    public void Arguments_are_an_object_whatever_the_schema_says(string parameters)
    {
        foreach (ToolFormat format in ToolFormats.All.Where(f => f.Name is "ministral" or "hermes"))
        {
            var constraint = new Constraint(ConstraintKind.Tools, new ToolRequest(format, [new("f", parameters, false)], ToolChoice.Required, true, null).Write());
            string open = format.NameKey is null ? "[TOOL_CALLS]f[ARGS]" : "<tool_call>\n{\"name\": \"f\", \"arguments\": ", close = format.NameKey is null ? "" : "}\n</tool_call>";
            Assert.True(constraint.Accepts($"{open}{{}}{close}"));
            Assert.All(new[] { "1", "null", "\"a\"", "[1]" }, a => Assert.False(constraint.Accepts($"{open}{a}{close}")));
        }
    }

    [Fact]
    public void Calls_have_ids_of_their_own_and_one_tool_that_is_too_large_takes_nothing_from_the_others()
    {
        ToolFormat command = ToolFormats.All.First(f => f.Name == "command");
        var constraint = new Constraint(ConstraintKind.Tools, new ToolRequest(command, Both, ToolChoice.Required, true, null).Write());
        IReadOnlyList<ToolCallPart> calls = new ToolCallReader(constraint).Append(
            "<|START_ACTION|>[{\"tool_call_id\": \"0\", \"tool_name\": \"a\", \"parameters\": {}}, {\"tool_call_id\": \"0\", \"tool_name\": \"b\", \"parameters\": {}}]<|END_ACTION|>");
        Assert.Equal(2, calls.Select(c => c.Id).Distinct().Count());

        string large = "{\"const\":[" + string.Join(',', Enumerable.Repeat("0", 120_000)) + "]}";
        constraint = new Constraint(ConstraintKind.Tools, new ToolRequest(command, [new("large", large, false), Both[1]], ToolChoice.Required, true, null).Write());
        Assert.True(constraint.Accepts("<|START_ACTION|>[{\"tool_call_id\": \"0\", \"tool_name\": \"add_2\", \"parameters\": {\"a\": 1, \"b\": 2}}]<|END_ACTION|>"));
    }

    private static JsonElement Definition(string name, string parameters, string more = "") =>
        JsonElement.Parse("{\"type\":\"function\",\"function\":{\"name\":\"" + name + "\",\"parameters\":" + parameters + more + "}}");

    private static (string Said, List<ToolCallPart> Calls) Read(Constraint constraint, LlamaVocab vocab, List<int> tokens)
    {
        var text = new GeneratedText(new InferenceOptions { Constraint = constraint }, vocab);
        var reader = new ToolCallReader(constraint);
        var said = new StringBuilder();
        var calls = new List<ToolCallPart>();
        foreach (int token in tokens)
            Take(text.Append(token));
        Take(text.Finish());
        return (said.ToString(), calls);

        void Take((string Text, InferenceUpdateKind Kind) part)
        {
            if (part.Kind == InferenceUpdateKind.ToolCalls)
                calls.AddRange(reader.Append(part.Text));
            else
                said.Append(part.Text);
        }
    }

    [Fact]
    public void What_cannot_be_held_of_a_tool_that_is_not_strict_takes_nothing_from_its_other_arguments()
    {
        ToolFormat format = ToolFormats.All.First(f => f.Name == "qwen3-coder");
        Tool write = new(
            "write", """{"type":"object","properties":{"path":{"type":"string"},"text":{"type":"string"},"tags":{"type":"array","uniqueItems":true}},"required":["path"]}""", false);
        var constraint = new Constraint(ConstraintKind.Tools, new ToolRequest(format, [write], ToolChoice.Required, true, null).Write());
        string call = "<tool_call>\n<function=write>\n<parameter=path>\n10115\n</parameter>\n<parameter=text>\n[package]\n</parameter>\n<parameter=tags>\n[1, 1]\n</parameter>\n</function>\n</tool_call>";
        Assert.True(constraint.Accepts(call));
        Assert.False(constraint.Accepts(call.Replace("[1, 1]", "1", StringComparison.Ordinal)));
        Assert.False(constraint.Accepts("<tool_call>\n<function=write>\n</function>\n</tool_call>"));
        ToolCallPart read = Assert.Single(new ToolCallReader(constraint).Append(call));
        Assert.Equal("""{"path": "10115", "text": "[package]", "tags": [1, 1]}""", read.Arguments);
        string strict = new ToolRequest(format, [write with { Strict = true }], ToolChoice.Required, true, null).Write();
        Assert.Throws<VaiUsageException>(() => new Constraint(ConstraintKind.Tools, strict).Accepts(call));
    }

    [Fact]
    public void Where_nothing_may_be_called_any_text_is_an_answer()
    {
        ToolFormat format = ToolFormats.All.First(f => f.Name == "llama-3");
        var constraint = new Constraint(ConstraintKind.Tools, new ToolRequest(format, Both, ToolChoice.None, true, null).Write());
        Assert.All(new[] { "{\"city\": \"Paris\"}", " Yes.", "" }, text => Assert.True(constraint.Accepts(text)));
    }

    [Fact]
    public async Task A_key_between_marks_that_are_tokens_comes_once()
    {
        // The marks around names are control tokens here, which leave nothing of themselves in the text.
        string file = Models.NewFile("keys.gguf");
        await ModelForge.ForgeReciterAsync(file, new ReciterOptions
        {
            Scripts = [new("Yes.")],
            Template = "{{ messages[0].content }}",
            ControlTokens = ["<|im_start|>", "<|im_end|>", "<arg_key>", "</arg_key>"],
            Overwrite = true,
        });
        (IVai vai, IModelContext model) = await LoadAsync(file, m => m.Profile = RomProfile.None);
        await using IVai _ = vai;
        LlamaVocab vocab = ((ModelContext)model).Model.Vocab;
        ToolFormat format = ToolFormats.All.First(f => f.Name == "glm-4.7");
        var request = new ToolRequest(format, [new Tool("f", """{"type":"object"}""", false)], ToolChoice.Required, true, null);
        var reader = new ConstraintReader(CompiledConstraint.Of(new Constraint(ConstraintKind.Tools, request.Write())).Take(vocab).Matcher);
        int open = Control("<arg_key>"), close = Control("</arg_key>");
        Assert.True(Key("<tool_call>f", "a") && Key("</arg_value>", "fa") && Key("</arg_value>", "b"));
        Assert.False(Key("</arg_value>", "a"));

        bool Key(string before, string key) => reader.Take(Encoding.UTF8.GetBytes(before)) && reader.TakeToken(open) && reader.Take(Encoding.UTF8.GetBytes(key))
            && reader.TakeToken(close) && reader.Take("<arg_value>1"u8);

        int Control(string text) => vocab.Tokenize(text, addSpecial: false, parseSpecial: true).Single();
    }
}
