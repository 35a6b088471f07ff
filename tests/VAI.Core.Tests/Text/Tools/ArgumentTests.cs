using System.Text;
using System.Text.Json;
using VAI.Core.Tests.Text.Constraints.Matching;
using VAI.Forge;
using VAI.Native.Llama;
using VAI.Residency;
using VAI.Text;
using VAI.Text.Constraints;
using VAI.Text.Constraints.Matching;
using VAI.Text.Tools;
using VAI.Text.Tools.Formats;

namespace VAI.Core.Tests.Text.Tools;

/// <summary>Arguments that are no JSON: whatever a grammar lets a model write of them, what is read of it is JSON that fits the tool's schema.</summary>
public sealed class ArgumentTests(ForgedModels models) : EngineTest(models)
{
    private static readonly string[] Marks =
    [
        "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "<|tool_call>", "<tool_call|>", "<|\"|>", "<escape>", "<|start|>", "<|end|>", "<|channel|>", "<|message|>",
        "<|constrain|>", "｜DSML｜", "<|tool_call_start|>", "<|tool_call_end|>",
    ];

    private static readonly string[] Schemas =
    [
        """{"type":"object","properties":{"text":{"type":"string","maxLength":20},"note":{"type":["string","null"],"maxLength":9},"n":{"type":["integer","string","boolean"],"maxLength":4}},"required":["text","n"]}""",
        """{"type":"object","properties":{"kind":{"enum":["a","b c","</par","<|\"","'\"\\",7,null]},"code":{"type":"string","pattern":"^[a-z<>\\n]{2,6}$"},"day":{"type":"string","format":"date"}},"required":["kind"]}""",
        """{"type":"object","properties":{"list":{"type":"array","items":{"type":"string","maxLength":5},"maxItems":3},"deep":{"type":"object","properties":{"x":{"type":"number"},"y":{"type":["boolean","null"]},"z":{"const":{"a":["b",true]}}},"required":["x"]}},"required":["deep"]}""",
        """{"type":"object","additionalProperties":{"type":"string","maxLength":4},"maxProperties":2}""",
        """{"type":"object","additionalProperties":{"type":["object","string","number"],"maxLength":4,"maxProperties":1,"additionalProperties":{"type":"integer"}},"maxProperties":2}""",
        """{"anyOf":[{"properties":{"k":{"const":"i"},"v":{"type":"integer"}},"required":["k","v"]},{"properties":{"k":{"const":"s"},"v":{"type":"string","maxLength":4}},"required":["k","v"]}]}""",
        """{"type":"object","properties":{"s":{"type":"string","minLength":3,"maxLength":6},"m":{"type":["string","number","array"],"minLength":2,"maxLength":4,"maxItems":1,"items":{"type":"null"}}},"required":["s","m"]}""",
        """{"type":"object","properties":{"first name":{"type":"boolean"},"é-1":{"type":"integer","minimum":-3,"maximum":3}},"required":["é-1"]}""",
    ];

    public static TheoryData<string> Formats { get; } = [.. ToolFormats.All.Where(f => f.Tags is not null || f.Literals is not null || f.PartOpen.Length > 0).Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task What_may_be_written_is_read_and_fits(string name)
    {
        ToolFormat format = ToolFormats.All.First(f => f.Name == name);
        int seed = TestVariables.Seed();
        int draws = TestVariables.Draws(12);
        string marked = Models.NewFile("marks.gguf");
        await ModelForge.ForgeReciterAsync(marked, new ReciterOptions { Scripts = [new("x")], ControlTokens = [.. Marks, "<|im_end|>"], Overwrite = true });
        foreach (string file in new[] { Models["tiny"], marked })
        {
            (IVai vai, IModelContext model) = await LoadAsync(file);
            await using IVai _ = vai;
            LlamaVocab vocab = ((ModelContext)model).Model.Vocab;
            for (int s = 0; s < Schemas.Length; s++)
            {
                var constraint = new Constraint(ConstraintKind.Tools, new ToolRequest(format, [new("f.1", Schemas[s], true)], ToolChoice.Required, true, null).Write());
                MaskedMatcher matcher = CompiledConstraint.Of(constraint).Take(vocab);
                var validator = Json.Schema.JsonSchema.FromText(Schemas[s]);
                var random = new Random(seed + s);
                int ended = 0;
                for (int i = 0; i < draws; i++)
                {
                    if (RandomTokens.Draw(matcher, vocab, random, 400) is not { } tokens)
                        continue;
                    ended++;
                    string written = Written(constraint, vocab, tokens), where = $"seed {seed}, {Path.GetFileName(file)}, schema {s}, {i}: {written}";
                    IReadOnlyList<ToolCallPart> calls = new ToolCallReader(constraint).Append(written);
                    Assert.NotEmpty(calls);
                    Assert.All(calls, c => Assert.Equal("f.1", c.Name));
                    Assert.All(calls, c => Assert.True(validator.Evaluate(JsonElement.Parse(c.Arguments)).IsValid || MaskTests.HasClusters(c.Arguments), where));
                    Assert.True(constraint.Accepts(written), where);
                    Assert.Equal(Told([written], constraint), Told(Cut(written, random), constraint));
                }

                Assert.True(ended > draws / 4, $"seed {seed}, {Path.GetFileName(file)}, schema {s}: {ended} of {draws} came to an end");
            }
        }
    }

    [Theory]
    [InlineData("qwen3-coder", """{"type":"object","properties":{"a":{"enum":["x</parameter>"]}},"required":["a"]}""")]
    [InlineData("glm-4.5", """{"type":"object","properties":{"a":{"type":"string","pattern":"</arg_value>"}},"required":["a"]}""")]
    [InlineData("gemma-4", """{"type":"object","properties":{"a":{"type":"array","items":{"const":"<|\"|>"}}}}""")]
    [InlineData("seed-oss", """{"type":"object","properties":{"a>b":{"type":"string"}}}""")]
    [InlineData("lfm2", """{"type":"object","properties":{"a=b":{"type":"string"}}}""")]
    [InlineData("minimax-m2", """{"enum":[{"a":1}]}""")]
    public void What_a_format_cannot_write_is_an_error_of_a_strict_tool_and_any_object_of_another(string name, string schema)
    {
        ToolFormat format = ToolFormats.All.First(f => f.Name == name);
        VaiUsageException error = Assert.Throws<VaiUsageException>(
            () => new Constraint(ConstraintKind.Tools, new ToolRequest(format, [new("f", schema, true)], ToolChoice.Required, true, null).Write()).Accepts(""));
        Assert.Equal(VaiError.InvalidConstraint, error.Code);
        Assert.Contains("#/tools/f", error.Message, StringComparison.Ordinal);
        Assert.Contains("format of calls", error.Message, StringComparison.Ordinal);
        Assert.False(new Constraint(ConstraintKind.Tools, new ToolRequest(format, [new("f", schema, false)], ToolChoice.Required, true, null).Write()).Accepts(""));
    }

    [Theory]
    [InlineData("qwen3-coder", "<tool_call>\n<function=f>\n", "<parameter={0}>\n{1}\n</parameter>\n", "", "</function>\n</tool_call>", "")]
    [InlineData("glm-4.7", "<tool_call>f", "<arg_key>{0}</arg_key><arg_value>{1}</arg_value>", "", "</tool_call>", "")]
    [InlineData("minimax-m2", "<minimax:tool_call>\n<invoke name=\"f\">\n", "<parameter name=\"{0}\">{1}</parameter>\n", "", "</invoke>\n</minimax:tool_call>", "")]
    [InlineData("gemma-4", "<|tool_call>call:f{", "{0}:{1}", ",", "}<tool_call|>", "<|\"|>")]
    [InlineData("lfm2", "<|tool_call_start|>[f(", "{0}={1}", ", ", ")]<|tool_call_end|>", "'")]
    public void What_a_schema_says_is_held(string name, string open, string argument, string between, string close, string quote)
    {
        const string schema = """{"type":"object","properties":{"a":{"type":"string","maxLength":3},"b":{"enum":["x","y\\"]},"c":{"type":"array","items":{"type":"integer"},"maxItems":2},"d":{"type":"string","pattern":"^[0-9]+$"}},"required":["a"],"additionalProperties":{"type":"boolean"}}""";
        Constraint constraint = new(ConstraintKind.Tools, new ToolRequest(ToolFormats.All.First(f => f.Name == name), [new("f", schema, true)], ToolChoice.Required, true, null).Write());
        string back = quote == "'" ? "y\\\\" : "y\\";
        Accepts(true, ("a", Text("abc")));
        Accepts(true, ("a", Text("")), ("b", Text(back)), ("c", "[1,2]"), ("d", Text("0017")), ("more", "true"), ("other", "false"));
        Accepts(true, ("a", Text("é😀ö")), ("d", Text("1")));
        Accepts(false);
        Accepts(false, ("a", Text("abcd")));
        Accepts(false, ("b", Text("x")), ("a", Text("a")));
        Accepts(false, ("a", Text("a")), ("b", Text("z")));
        Accepts(false, ("a", Text("a")), ("a", Text("a")));
        Accepts(false, ("a", Text("a")), ("c", "[1,2,3]"));
        Accepts(false, ("a", Text("a")), ("c", "[true]"));
        Accepts(false, ("a", Text("a")), ("d", Text("x1")));
        Accepts(false, ("a", Text("a")), ("more", "true"), ("more", "false"));
        Accepts(false, ("a", Text("a")), ("more", "1"));

        void Accepts(bool expected, params (string Name, string Value)[] arguments)
        {
            string text = open + string.Join(between, arguments.Select(a => argument.Replace("{0}", a.Name, StringComparison.Ordinal).Replace("{1}", a.Value, StringComparison.Ordinal))) + close;
            Assert.True(constraint.Accepts(text) == expected, text);
        }

        string Text(string text) => quote + text + quote;
    }

    [Fact]
    public async Task A_backslash_is_a_character_like_others_in_a_string_that_stands_as_it_is()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        const string schema = """{"type":"object","properties":{"a":{"enum":["a\\b","ac"]}},"required":["a"]}""";
        ToolFormat format = ToolFormats.All.First(f => f.Name == "qwen3-coder");
        var constraint = new Constraint(ConstraintKind.Tools, new ToolRequest(format, [new("f", schema, true)], ToolChoice.Required, true, null).Write());
        Matcher matcher = CompiledConstraint.Of(constraint).Take(((ModelContext)model).Model.Vocab).Matcher;
        var reader = new ConstraintReader(matcher);
        Assert.True(reader.Take("<tool_call>\n<function=f>\n<parameter=a>\n"u8));
        Assert.Equal('a', matcher.ForcedByte(reader.State));
        Assert.True(reader.Take("a"u8));
        Assert.Equal(-1, matcher.ForcedByte(reader.State));
    }

    /// <summary>What a reader tells of a text in pieces: names, and whole arguments, put together from what came of each.</summary>
    internal static List<string> Told(IEnumerable<string> pieces, Constraint constraint)
    {
        var reader = new ToolCallReader(constraint);
        var told = new List<StringBuilder>();
        var whole = new List<string>();
        foreach (ToolCallUpdate update in pieces.SelectMany(p => reader.Read(p)))
        {
            Assert.Equal(update.Name is not null, update.Index == told.Count);
            if (update.Name is not null)
                told.Add(new StringBuilder($"{update.Name} "));
            Assert.Equal(update.Name is null, string.IsNullOrEmpty(update.Id));
            Assert.Equal(told.Count - 1, update.Index);
            told[update.Index].Append(update.Arguments);
            if (update.Call is { } call)
                whole.Add($"{call.Name} {call.Arguments}");
        }

        Assert.Equal(whole, told.Select(t => t.ToString()));
        return whole;
    }

    internal static IEnumerable<string> Cut(string text, Random random)
    {
        for (int at = 0; at < text.Length;)
        {
            int length = Math.Min(random.Next(1, random.Next(2, 20)), text.Length - at);
            yield return text.Substring(at, length);
            at += length;
        }
    }

    private static string Written(Constraint constraint, LlamaVocab vocab, List<int> tokens)
    {
        var text = new GeneratedText(new InferenceOptions { Constraint = constraint }, vocab);
        return string.Concat(tokens.Select(t => text.Append(t).Text).Append(text.Finish().Text));
    }
}
