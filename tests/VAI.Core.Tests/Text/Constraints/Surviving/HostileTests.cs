using System.Text.Json;
using VAI.Text.Constraints;
using VAI.Text.Tools;
using VAI.Text.Tools.Formats;
using Xunit.Abstractions;

namespace VAI.Core.Tests.Text.Constraints.Surviving;

/// <summary>Whatever is asked for is made ready or refused, with an error of ours, for little memory: what is allocated is bounded, and so what is done.</summary>
public sealed class HostileTests(ITestOutputHelper output)
{
    // 64 MiB, of which most is garbage at once, and making the text itself.
    private const long MostAllocated = 76 << 20;

    public static TheoryData<string> Names { get; } = [.. HostileConstraints.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Is_ready_or_refused(string name)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Exception? error = Record.Exception(() => HostileConstraints.All[name]().Accepts("[1]"));
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        output.WriteLine($"{allocated >> 20} MiB, {error?.Message ?? "ready"}");
        Assert.True(error is null or VaiUsageException { Code: VaiError.InvalidConstraint, Message.Length: < 1_000 }, $"{error}");
        Assert.True(allocated < MostAllocated, $"{allocated >> 20} MiB");
    }

    [Fact]
    public void Tools_that_are_all_too_large_take_no_more_than_two_of_them_would()
    {
        // Each is a schema that takes all that one may; none is strict, so that any object is taken for its arguments.
        Tool[] tools = [.. Enumerable.Range(0, 128).Select(i => new Tool($"f{i}", "{\"type\":\"object\",\"patternProperties\":{\".*a.{15}" + i + "\":{},\"(x+x+)+y.{" + (1_000 + i) + "}\":{}}}", false))];
        var constraint = new Constraint(ConstraintKind.Tools, new ToolRequest(ToolFormats.Generic, tools, ToolChoice.Required, true, null).Write());
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.True(constraint.Accepts("<tool_call>\n{\"name\": \"f127\", \"arguments\": {\"x\": 1}}\n</tool_call>"));
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        output.WriteLine($"{allocated >> 20} MiB");
        Assert.True(allocated < 2 * MostAllocated, $"{allocated >> 20} MiB");
    }

    public static TheoryData<string> Formats { get; } = [.. ToolFormats.All.Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(Formats))]
    public void As_many_tools_as_there_may_be_are_held_in_every_format(string format)
    {
        // Of each what it says; where they are larger than all together may be, what is not strict is any object, and never an error.
        const string Flat = """ "s":{"type":"string"},"n":{"type":"integer","minimum":0,"maximum":100},"e":{"enum":["a","b"]},"l":{"type":"array","items":{"type":"string"}} """;
        Make(strict: true, i => Object(Flat));
        Make(strict: true, i => Object($"\"own{i}\":{{\"type\":\"boolean\"}},{Flat}"));
        Make(strict: false, i => Object(Flat + "," + string.Join(',', Enumerable.Range(0, 12).Select(k => $"\"o{i}_{k}\":" + Object($"\"p\":{Object(Flat)},{Flat}")))));

        static string Object(string properties) => "{\"type\":\"object\",\"properties\":{" + properties + "},\"required\":[\"s\"],\"additionalProperties\":false}";

        void Make(bool strict, Func<int, string> schema)
        {
            Tool[] tools = [.. Enumerable.Range(0, CompiledConstraint.MostTools).Select(i => new Tool($"tool_{i}", schema(i), strict))];
            long before = GC.GetAllocatedBytesForCurrentThread();
            var request = new ToolRequest(ToolFormats.All.First(f => f.Name == format), tools, ToolChoice.Required, true, null);
            CompiledConstraint.Of(new Constraint(ConstraintKind.Tools, request.Write()));
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            output.WriteLine($"{allocated >> 20} MiB");
            Assert.InRange(allocated, 0, 2 * MostAllocated);
        }
    }

    [Theory]
    [InlineData("""{"properties":{"\ud800":{}}}""")]
    [InlineData("""{"$id":"\ud800"}""")]
    [InlineData("""{"$anchor":"\udc00"}""")]
    [InlineData("""{"required":["\ud800"]}""")]
    [InlineData("""{"$ref":"\ud800"}""")]
    [InlineData("""{"type":"\ud800"}""")]
    [InlineData("""{"enum":["\ud800"]}""")]
    [InlineData("""{"const":{"\ud800":1}}""")]
    [InlineData("""{"type":"string","pattern":"\ud800"}""")]
    [InlineData("""{"type":"object","patternProperties":{"\ud800":{}}}""")]
    [InlineData("""{"$id":"http://[","$ref":"x"}""")]
    [InlineData("""{"$id":"x:","$ref":"//:"}""")]
    [InlineData("""{"$ref":"#/$defs/%","$defs":{}}""")]
    [InlineData("""{"$ref":5}""")]
    public void What_is_no_text_or_no_reference_is_a_typed_error(string schema)
    {
        foreach (Func<Constraint> of in new Func<Constraint>[] { () => Constraint.JsonSchema(schema), () => Constraint.JsonSchema(JsonElement.Parse(schema)) })
            Assert.Equal(VaiError.InvalidConstraint, Assert.Throws<VaiUsageException>(of).Code);
    }
}
