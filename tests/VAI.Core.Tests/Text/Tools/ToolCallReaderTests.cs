using VAI.Text.Tools;
using VAI.Text.Tools.Formats;

namespace VAI.Core.Tests.Text.Tools;

/// <summary>Calls as they come: what is known of one is told, whatever comes is no error, and a long text takes no longer than its length.</summary>
public sealed class ToolCallReaderTests
{
    private const string Schema = """
        {"type":"object","properties":{"s":{"type":"string"},"u":{"type":["string","integer","object","null"]},"i":{"type":"integer"},"o":{"type":"object"}}}
        """;

    private static readonly string[] Scraps =
    [
        "<tool_call>", "\n", "<function=", "f", ">", "<parameter=", "s", "u", "</parameter>", "</function>", "</tool_call>", "{", "}", "\"", "'", "\\", ":", ",", "[", "]", "(", ")",
        "=", "name", "arguments", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "<|\"|>", "<|tool_call>call:", "<|tool_call_start|>[", "<invoke name=\"", "\">", "null",
        "True", "1", "-", "é", "😀", "<", "</", "[TOOL_CALLS]", "[ARGS]", "id", " ", "\\u00", "4", "<｜DSML｜invoke name=\"", "\" string=\"true\">", "to=functions.",
    ];

    [Theory]
    [InlineData("5", "5")]
    [InlineData("-1.5e3", "-1.5e3")]
    [InlineData("05", "\"05\"")]
    [InlineData("null", "null")]
    [InlineData("true", "\"true\"")]
    [InlineData("nullable", "\"nullable\"")]
    [InlineData("None", "null")]
    [InlineData("True", "\"True\"")]
    [InlineData("Nonesuch", "\"Nonesuch\"")]
    [InlineData("5 days", "\"5 days\"")]
    [InlineData("{\"a\": \"</parameter>\"}", "{\"a\": \"</parameter>\"}")]
    [InlineData("[1]", "\"[1]\"")]
    [InlineData("", "\"\"")]
    [InlineData("\n", "\"\\n\"")]
    [InlineData("\n\n5\n", "\"\\n\\n5\\n\"")]
    [InlineData("a\n</parameter", "\"a\\n</parameter\"")]
    [InlineData("5<<", "\"5<<\"")]
    [InlineData("\"5\"", "\"\\\"5\\\"\"")]
    public void What_a_value_is_follows_from_its_types(string written, string read)
    {
        Constraint constraint = Tools("qwen3-coder");
        string text = $"<tool_call>\n<function=f>\n<parameter=u>\n{written}\n</parameter>\n</function>\n</tool_call>";
        Assert.Equal(written != "-1.5e3", constraint.Accepts(text));
        for (int length = 1; length < 30; length++)
            Assert.Equal([$"f {{\"u\": {read}}}"], ArgumentTests.Told(text.Chunk(length).Select(c => new string(c)), constraint));
    }

    [Fact]
    public void A_string_is_told_as_it_comes_but_for_what_may_begin_its_end()
    {
        var reader = new ToolCallReader(Tools("qwen3-coder"));
        Assert.Empty(reader.Read("<tool_call>\n<function=f>\n<parameter"));
        ToolCallUpdate[] updates = [.. reader.Read("=s>\nHello <"), .. reader.Read("b>\n"), .. reader.Read("\"x\""), .. reader.Read("\n</para"), .. reader.Read("meter>\n</function>")];
        Assert.Equal(["", "{\"s\": \"Hello ", "<b>", "\\n\\\"x\\\"", "\"}"], updates.Select(u => u.Arguments));
        Assert.Equal(("f", 0), (updates[0].Name, updates[0].Index));
        Assert.Equal(9, updates[0].Id!.Length);
        Assert.Equal(updates[0].Id, updates[^1].Call!.Id);

        reader = new ToolCallReader(Tools("hermes"));
        Assert.Equal(["", "{\"s\": \"He"], reader.Read("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"s\": \"He").Select(u => u.Arguments));
        Assert.Equal("llo\"}", Assert.Single(reader.Read("llo\"}")).Arguments);
        Assert.NotNull(Assert.Single(reader.Read("}\n</tool_call>")).Call);
    }

    [Fact]
    public void An_id_that_comes_last_is_the_whole_calls_and_nobody_waits_for_it()
    {
        const string call = "[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {\"i\": 1}, \"id\": \"abcdef123\"}]";
        Assert.Equal("abcdef123", Assert.Single(new ToolCallReader(Tools("mistral")).Append(call)).Id);
        IReadOnlyList<ToolCallUpdate> updates = new ToolCallReader(Tools("mistral")).Read(call);
        Assert.Equal(9, updates[0].Id!.Length);
        Assert.Equal("0", new ToolCallReader(Tools("command")).Read("[{\"tool_call_id\": \"0\", \"tool_name\": \"f\", \"parameters\": {")[0].Id);
    }

    [Theory]
    [InlineData("{\"arguments\": {\"i\": 1}, \"name\": \"f\"}")]
    [InlineData("{ \"name\" : \"f\" ,\n \"arguments\" : {\"i\": 1} }")]
    [InlineData("{\"note\": [\"{\", {}], \"name\": \"f\", \"arguments\": {\"i\": 1}}")]
    public void Members_of_a_call_come_in_any_order(string call) =>
        Assert.Equal(["f {\"i\": 1}"], ArgumentTests.Told([$"<tool_call>{call}</tool_call>"], Tools("hermes")));

    [Theory]
    [InlineData("lfm2", "<|tool_call_start|>[f(s='it\\'s \"x\"', o={'a': [True, None, 'b']})]<|tool_call_end|>", "{\"s\": \"it's \\\"x\\\"\", \"o\": {\"a\": [true, null, \"b\"]}}")]
    [InlineData("lfm2", "<|tool_call_start|>[f(s = \"a\\u00e9\\n\", i=-2)]<|tool_call_end|>", "{\"s\": \"a\\u00e9\\n\", \"i\": -2}")]
    [InlineData("gemma-4", "<|tool_call>call:f{o:{a:[1,true,<|\"|>x,}<|\"|>],b c:{}},s:<|\"|><|\"|>}<tool_call|>", "{\"o\": {\"a\": [1, true, \"x,}\"], \"b c\": {}}, \"s\": \"\"}")]
    [InlineData("gemma-4", "<|tool_call>call:f{s:<|\"|>a <| <|\" \\n<|\"|>}<tool_call|>", "{\"s\": \"a <| <|\\\" \\\\n\"}")]
    [InlineData("gemma-4", "<|tool_call>call:f{s:plain words,i}<tool_call|>", "{\"s\": \"plain words\", \"i\": null}")]
    [InlineData("deepseek-v3.2", "<｜DSML｜invoke name=\"f\"><｜DSML｜parameter name=\"u\" string=\"false\">5</｜DSML｜parameter><｜DSML｜parameter name=\"s\" string=\"true\">5</｜DSML｜parameter></｜DSML｜invoke>", "{\"u\": 5, \"s\": \"5\"}")]
    [InlineData("gpt-oss", "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"i\": 1}", "{\"i\": 1}")]
    [InlineData("functionary-3.2", ">>>f\n{\"i\": 1}", "{\"i\": 1}")]
    [InlineData("qwen3-coder", "<function=f><parameter=i>7</parameter><parameter=x>y</parameter></function>", "{\"i\": 7, \"x\": \"y\"}")]
    [InlineData("glm-4.5", "<tool_call>f\n<arg_key>u</arg_key>\n<arg_value>None</arg_value>\n<arg_key>i</arg_key>\n<arg_value>x</arg_value></tool_call>", "{\"u\": \"None\", \"i\": \"x\"}")]
    public void What_models_write_is_read_as_it_is_meant(string name, string written, string read)
    {
        for (int length = 1; length < 40; length++)
            Assert.Equal([$"f {read}"], ArgumentTests.Told(written.Chunk(length).Select(c => new string(c)), Tools(name)));
    }

    [Fact]
    public void Whatever_comes_is_no_error_and_is_the_same_however_it_is_cut()
    {
        int seed = TestVariables.Seed();
        var random = new Random(seed);
        foreach (ToolFormat format in ToolFormats.All)
        {
            Constraint constraint = Tools(format.Name);
            for (int i = 0; i < 300; i++)
            {
                string text = format.SectionOpen + string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => random.Next(8) == 0 ? format.CallOpen : Scraps[random.Next(Scraps.Length)]));
                string[] whole = [.. Said(new ToolCallReader(constraint), [text])], cut = [.. Said(new ToolCallReader(constraint), ArgumentTests.Cut(text, random))];
                Assert.True(whole.SequenceEqual(cut), $"seed {seed}, {format.Name}: {text}");
            }
        }
    }

    [Theory]
    [InlineData("hermes", "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"s\": \"", "a", "\"}}")]
    [InlineData("qwen3-coder", "<tool_call>\n<function=f>\n<parameter=s>\n", "</paramete\n", "\n</parameter>\n</function>")]
    [InlineData("qwen3-coder", "<tool_call>\n<function=f>\n<parameter=u>\n", "5", "\n</parameter>\n</function>")]
    [InlineData("gemma-4", "<|tool_call>call:f{s:<|\"|>", "<|\"<|\"", "<|\"|>}<tool_call|>")]
    [InlineData("lfm2", "<|tool_call_start|>[f(o=", "[", ")]<|tool_call_end|>")]
    [InlineData("mistral", "[TOOL_CALLS][", "{\"name\": 1}, ", "]")]
    public void A_million_characters_are_read_in_a_time_that_is_linear(string name, string open, string part, string close)
    {
        string text = open + string.Concat(Enumerable.Repeat(part, 1_000_000 / part.Length)) + close;
        var reader = new ToolCallReader(Tools(name));
        foreach (char[] piece in text.Chunk(4))
            reader.Read(new string(piece));
    }

    private static IEnumerable<string> Said(ToolCallReader reader, IEnumerable<string> pieces)
    {
        var said = new Dictionary<int, string>();
        foreach (ToolCallUpdate update in pieces.SelectMany(p => reader.Read(p)))
            said[update.Index] = said.GetValueOrDefault(update.Index, update.Name + " ") + update.Arguments + (update.Call is null ? "" : "!");
        return said.Values;
    }

    private static Constraint Tools(string format) => new(
        ConstraintKind.Tools, new ToolRequest(ToolFormats.All.First(f => f.Name == format), [new("f", Schema, false)], ToolChoice.Auto, true, null).Write());
}
