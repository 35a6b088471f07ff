using VAI.Core.Tests.Text.Constraints.Matching;
using VAI.Tests.Shared;
using Xunit.Abstractions;

namespace VAI.Core.Tests.Text.Constraints.Schemas;

/// <summary>
/// Schemas that were right once are held or refused, within what one may take, and take nothing that another validator calls invalid.
/// <c>VAI_TEST_SCHEMAS</c> is how many, <c>VAI_TEST_SEED</c> the seed of the first.
/// </summary>
public sealed class MutatedSchemaTests(ITestOutputHelper output)
{
    private const long MostAllocated = 76 << 20;

    private static readonly string[] More =
    [
        """{"type":["object","null"],"properties":{"a":{"type":"array","items":{"$ref":"#/$defs/b"},"minItems":1},"c":{"not":{"type":"string"}}},"dependentRequired":{"a":["c"]},"$defs":{"b":{"type":"number","exclusiveMaximum":7.5,"multipleOf":0.5}}}""",
        """{"if":{"properties":{"k":{"const":1}},"required":["k"]},"then":{"required":["x"]},"else":{"maxProperties":2},"type":"object"}""",
        """{"definitions":{"s":{"type":"string","minLength":1,"maxLength":20,"format":"email"}},"type":"array","items":[{"$ref":"#/definitions/s"},{"enum":[1,"2",null,{"a":[]}]}],"additionalItems":false}""",
        """{"allOf":[{"anyOf":[{"type":"integer"},{"type":"string","pattern":"a+(b|c){2,}"}]},{"oneOf":[{"minimum":3,"type":"integer"},{"type":"string"}]}]}""",
        """{"$id":"http://example.org/root","$anchor":"top","properties":{"next":{"$ref":"#top"}},"patternProperties":{"^x":{"type":"boolean"}},"additionalProperties":{"type":"integer"}}""",
    ];

    // Instances to try.
    private static readonly string[] Values =
    [
        "null", "true", "0", "-7", "1.5", "12", "1e2", "\"\"", "\"a\"", "\"Ab\"", "\"aab\"", "\"a@b.example\"", "\"2026-11-28\"", "[]", "[1]", "[\"a\",2]", "[null,[1.5]]", "{}", "{\"a\":1}", "{\"k\":1}",
        "{\"k\":1,\"x\":\"y\"}", "{\"name\":\"n\",\"age\":3}", "{\"v\":1,\"l\":{\"v\":2}}", "{\"a\":[1],\"c\":2}", "{\"x_1\":3,\"d\":0}", "{\"next\":{\"x\":true}}",
    ];

    [Fact]
    public void Each_is_held_or_refused()
    {
        int seed = TestVariables.Seed(), count = TestVariables.Number("VAI_TEST_SCHEMAS") ?? 3_000, held = 0, judged = 0;
        var mutated = new MutatedJson([.. MaskTests.Schemas.AsEnumerable<object[]>().Select(row => (string)row[0]), .. More]);
        for (int i = 0; i < count; i++)
        {
            string schema = mutated.Next(new Random(seed + i)).Text;
            long before = GC.GetAllocatedBytesForCurrentThread();
            Constraint? constraint = null;
            Exception? error = Record.Exception(() => constraint = Constraint.JsonSchema(schema));
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(error is null or VaiUsageException { Code: VaiError.InvalidConstraint, Message.Length: < 1_000 }, $"seed {seed}, {i}: {schema}: {error}");
            Assert.True(allocated < MostAllocated, $"seed {seed}, {i}: {schema}: {allocated >> 20} MiB");
            if (constraint is null)
                continue;
            held++;
            foreach (string value in Values.Where(constraint.Accepts))
            {
                if (IsInvalid(schema, value) is not { } invalid)
                    continue;
                judged++;
                Assert.False(invalid, $"seed {seed}, {i}: {schema} took {value}");
            }
        }

        output.WriteLine($"VAI_TEST_SEED={seed} VAI_TEST_SCHEMAS={count}: {held} held, {judged} values judged");
        Assert.True(judged > count / 2);
    }

    // Null where the other cannot say, or says it in another language: OpenAPI's null is none of JSON Schema's, and references in a circle end its process.
    private static bool? IsInvalid(string schema, string value)
    {
        if (schema.Contains("nullable", StringComparison.Ordinal) || schema.Contains("$ref", StringComparison.Ordinal))
            return null;
        try
        {
            return !Json.Schema.JsonSchema.FromText(schema).Evaluate(System.Text.Json.JsonDocument.Parse(value).RootElement).IsValid;
        }
        catch (Exception)
        {
            return null;
        }
    }
}
