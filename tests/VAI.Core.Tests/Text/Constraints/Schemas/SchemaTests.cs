
namespace VAI.Core.Tests.Text.Constraints.Schemas;

/// <summary>What texts schemas allow, keyword by keyword.</summary>
public sealed class SchemaTests
{
    [Theory]
    [InlineData("true", "null|1|-2.5e3|\"a\\u00e9\\ud83d\\ude00\"|[1,{\"a\":[]}]|{ \"a\": 1 }", "tru|01|.5|\"a|\"\\ud83d\"|[1,]|{\"a\":1,}|{a:1}|1 2|\"\t\"")]
    [InlineData("""{"type":"integer"}""", "0|-1|123456", "1.5|\"1\"|1e2|-|+1")]
    [InlineData("""{"type":["string","null"]}""", "null|\"\"", "1|true")]
    [InlineData("""{"type":"string","nullable":true}""", "null|\"a\"", "1")]
    [InlineData("""{"type":"integer","minimum":-3,"maximum":105}""", "-3|-1|0|9|10|99|100|105", "-4|106|1000|-10")]
    [InlineData("""{"type":"number","exclusiveMinimum":0.25,"maximum":10}""", "0.26|0.250001|1|9.99|10|10.0", "0.25|0.2|0|-1|10.01|11")]
    [InlineData("""{"type":"number","minimum":-1.5,"exclusiveMaximum":-0.5}""", "-1.5|-1|-0.51", "-1.51|-0.5|0|-2")]
    [InlineData("""{"type":"integer","multipleOf":7,"minimum":0}""", "0|7|49|700", "1|8|50|-7")]
    [InlineData("""{"type":"number","multipleOf":0.05}""", "0|0.05|1.15|-2.00|3", "0.01|1.151")]
    [InlineData("""{"type":"string","minLength":2,"maxLength":3}""", "\"ab\"|\"a\\n\"|\"😀é\"|\"\\ud83d\\ude00b\"|\"abc\"", "\"a\"|\"abcd\"|\"😀\"")]
    [InlineData("""{"type":"string","pattern":"^[a-c]{2,}$"}""", "\"ab\"|\"a\\u0062c\"", "\"a\"|\"abd\"|\"a\\u0064\"")]
    [InlineData("""{"type":"string","pattern":"b+"}""", "\"b\"|\"abba\"", "\"a\"|\"\"")]
    [InlineData("""{"type":"string","pattern":"^a","maxLength":2}""", "\"a\"|\"ab\"", "\"abc\"|\"b\"")]
    [InlineData("""{"type":"string","format":"date-time"}""", "\"2026-11-28T09:00:00Z\"|\"2026-02-28T09:00:00.5+01:00\"", "\"2026-13-28T09:00:00Z\"|\"2026-02-30T09:00:00Z\"|\"2026-11-28\"")]
    [InlineData("""{"type":"string","format":"uuid"}""", "\"123e4567-e89b-12d3-a456-426614174000\"", "\"123e4567\"")]
    [InlineData("""{"type":"string","format":"ipv4"}""", "\"127.0.0.1\"|\"255.255.255.255\"", "\"256.0.0.1\"|\"1.2.3\"")]
    [InlineData("""{"type":"string","format":"email"}""", "\"a.b@example.org\"", "\"a@\"|\"a b@c.d\"")]
    [InlineData("""{"type":"string","format":"email","maxLength":12}""", "\"a@example.ch\"|\"a@b.ch\"", "\"a@example.org\"|\"a@b\"")]
    [InlineData("""{"type":"string","format":"uri"}""", "\"https://example.org:8080/a/b?c=d#e\"|\"mailto:a@b.ch\"|\"urn:a:b\"", "\"example.org\"|\"/a\"|\"https://\"")]
    [InlineData("""{"type":"string","format":"uri","maxLength":2083}""", "\"https://example.org\"", "\"a b\"|\"C:a\"")]
    [InlineData("""{"type":"string","format":"uri-reference"}""", "\"/a/b?c\"|\"https://example.org\"|\"#x\"|\"a\"", "\"a b\"|\"%\"")]
    [InlineData("""{"type":"string","format":"hostname"}""", "\"a-b.example.org\"", "\"-a\"|\"a..b\"")]
    [InlineData("""{"type":"string","format":"ipv6"}""", "\"::1\"|\"fe80::1:2\"|\"1:2:3:4:5:6:7:8\"", "\"1:2\"|\":::\"|\"g::\"")]
    [InlineData("""{"type":"string","format":"duration"}""", "\"P1D\"|\"PT5M\"|\"P2W\"", "\"P\"|\"1D\"")]
    [InlineData("""{"type":"string","format":"json-pointer"}""", "\"\"|\"/a~0/b\"", "\"a\"|\"/~\"")]
    [InlineData("""{"type":"string","format":"time"}""", "\"09:00:00Z\"", "\"9:00\"")]
    [InlineData("""{"type":"string","format":"date"}""", "\"2026-11-28\"", "\"2026-1-1\"")]
    [InlineData("""{"type":"string","pattern":"^(aa)*$","maxLength":3}""", "\"\"|\"aa\"|\"a\\u0061\"", "\"aaa\"|\"aaaa\"|\"a\"")]
    [InlineData("""{"type":"string","pattern":"^x+y{3}$","minLength":5,"maxLength":6}""", "\"xxyyy\"|\"xxxyyy\"", "\"xyyy\"|\"xxxxyyy\"")]
    [InlineData("""{"enum":["red","green",3,null,{"a":[1,true]}]}""", "\"red\"|3|null|{\"a\":[1,true]}|{ \"a\": [ 1, true ] }", "\"blue\"|4|{\"a\":[1]}|\"re\"")]
    [InlineData("""{"const":"a\"b\\"}""", "\"a\\\"b\\\\\"", "\"ab\"")]
    [InlineData("""{"enum":[1,2,3],"minimum":2}""", "2|3", "1|4")]
    [InlineData("""{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3}""", "[1]|[1, 2,3]|[\n  1,\n  2\n]", "[]|[1,2,3,4]|[\"a\"]|[1,]")]
    [InlineData("""{"prefixItems":[{"type":"string"},{"type":"integer"}],"items":false,"type":"array"}""", "[]|[\"a\"]|[\"a\",1]", "[1]|[\"a\",1,2]|[\"a\",\"b\"]")]
    [InlineData("""{"type":"array","items":[{"const":1}],"additionalItems":{"type":"null"}}""", "[1]|[1,null,null]", "[2]|[1,1]")]
    [InlineData("""{"type":"array","uniqueItems":true,"maxItems":1}""", "[]|[7]", "[1,2]")]
    [InlineData(
        """{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"},"c":true},"required":["a"],"additionalProperties":false}""",
        "{\"a\":1}|{\"a\":1,\"b\":\"x\"}|{ \"a\": 1, \"c\": [] }|{\"\\u0061\":1}", "{}|{\"b\":\"x\"}|{\"a\":\"x\"}|{\"a\":1,\"d\":1}|{\"a\":1,\"a\":2}|{\"a\":1,}|{\"c\":1,\"a\":1}")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"integer"}}}""", "{}|{\"a\":1}|{\"b\":true,\"a\":1,\"c\":\"\"}|{\"a\":1,\"aa\":2}", "{\"a\":true}|{\"b\":1,\"b\":2}|{\"b\":1,\"\\u0062\":2}")]
    [InlineData("""{"type":"object","patternProperties":{"^[α-ξ]$":{"type":"integer"}},"additionalProperties":false,"minProperties":3}""", "{\"α\":1,\"ξ\":1,\"β\":1}|{\"ξ\":1,\"α\":1,\"ν\":1}", "{\"α\":1,\"ξ\":1}|{\"α\":1,\"β\":1,\"ρ\":1}")]
    [InlineData("""{"type":"object","additionalProperties":{"type":"integer"},"minProperties":1,"maxProperties":2}""", "{\"x\":1}|{\"x\":1,\"y\":2}", "{}|{\"x\":1,\"y\":2,\"z\":3}|{\"x\":true}")]
    [InlineData("""{"type":"object","patternProperties":{"^n_":{"type":"number"},"_s$":{"type":"string"}},"additionalProperties":false}""", "{}|{\"n_a\":1.5,\"x_s\":\"\"}", "{\"n_a\":\"\"}|{\"x\":1}|{\"n_s\":1}|{\"n_s\":\"\"}")]
    [InlineData("""{"type":"object","propertyNames":{"pattern":"^[a-z]+$"},"maxProperties":1}""", "{}|{\"abc\":1}", "{\"A\":1}|{\"\":1}")]
    [InlineData("""{"type":"object","required":["x"]}""", "{\"x\":null}|{\"a\":1,\"x\":2}", "{}|{\"a\":1}")]
    [InlineData("""{"anyOf":[{"type":"integer"},{"type":"string","maxLength":1}]}""", "1|\"a\"", "\"ab\"|true")]
    [InlineData("""{"oneOf":[{"type":"integer"},{"type":"boolean"}]}""", "1|true", "\"a\"")]
    [InlineData(
        """{"oneOf":[{"type":"object","properties":{"k":{"const":"a"},"v":{"type":"integer"}},"required":["k","v"]},{"type":"object","properties":{"k":{"const":"b"}},"required":["k"]}]}""",
        "{\"k\":\"a\",\"v\":1}|{\"k\":\"b\",\"v\":\"any\"}", "{\"k\":\"a\",\"v\":\"x\"}|{\"k\":\"a\"}|{\"k\":\"c\"}")]
    [InlineData(
        """{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"a":{"minimum":5},"b":{"type":"string"}},"required":["b"]}]}""",
        "{\"a\":5,\"b\":\"\"}", "{\"a\":4,\"b\":\"\"}|{\"a\":5}")]
    [InlineData("""{"$ref":"#/$defs/t","$defs":{"t":{"type":"object","properties":{"v":{"type":"integer"},"next":{"$ref":"#/$defs/t"}},"required":["v"],"additionalProperties":false}}}""", "{\"v\":1}|{\"v\":1,\"next\":{\"v\":2,\"next\":{\"v\":3}}}", "{\"v\":1,\"next\":{}}|{\"next\":{\"v\":1}}")]
    [InlineData("""{"type":"string","not":{"type":"string","enum":["a"]}}""", "", "")]
    [InlineData("""{"not":{"type":"object"}}""", "1|[]|null", "{}")]
    [InlineData("""{"type":"object","not":{"required":["x"]}}""", "{}|{\"y\":1}", "{\"x\":1}")]
    [InlineData(
        """{"type":"object","properties":{"k":{"enum":["a","b"]}},"required":["k"],"if":{"properties":{"k":{"enum":["a"]}}},"then":{"required":["z"]}}""", "", "")]
    [InlineData("""{"type":"object","dependentRequired":{"a":["b"]},"properties":{"a":true,"b":true}}""", "{}|{\"b\":1}|{\"a\":1,\"b\":2}", "{\"a\":1}")]
    public void A_schema_allows_what_fits_it_and_nothing_else(string schema, string fit, string others)
    {
        if (fit.Length == 0 && others.Length == 0)
        {
            // It cannot be held, and says where.
            VaiUsageException refused = Assert.Throws<VaiUsageException>(() => Constraint.JsonSchema(schema));
            Assert.Equal(VaiError.InvalidConstraint, refused.Code);
            Assert.Contains("#/", refused.Message, StringComparison.Ordinal);
            return;
        }

        var constraint = Constraint.JsonSchema(schema);
        Assert.All(fit.Split('|'), text => Assert.True(constraint.Accepts(text), text));
        Assert.All(others.Split('|'), text => Assert.False(constraint.Accepts(text), text));
    }

    [Theory]
    [InlineData("""{"type":"string","pattern":"(?<=a)b"}""", "#/pattern")]
    [InlineData("""{"properties":{"a":{"contains":{"type":"integer"}}}}""", "#/properties/a/contains")]
    [InlineData("""{"type":"array","uniqueItems":true}""", "#/uniqueItems")]
    [InlineData("""{"oneOf":[{"type":"integer"},{"type":"number"}]}""", "#/oneOf")]
    [InlineData("""{"$ref":"http://example.org/other"}""", "#/$ref")]
    [InlineData("""{"$ref":"#/$defs/none"}""", "#/$ref")]
    [InlineData("""{"unevaluatedProperties":false}""", "#/unevaluatedProperties")]
    [InlineData("""{"type":"integer","minimum":3,"maximum":2}""", "#")]
    [InlineData("""{"type":"string","pattern":"^x{5}$","maxLength":4}""", "#")]
    [InlineData("""{"type":"object","properties":{"a":false},"required":["a"]}""", "#")]
    [InlineData("""{"$ref":"#/$defs/t","$defs":{"t":{"type":"object","properties":{"n":{"$ref":"#/$defs/t"}},"required":["n"]}}}""", "#")]
    [InlineData("""{"type":"wrong"}""", "#/type")]
    [InlineData("""{"type":"string","maxLength":-1}""", "#/maxLength")]
    [InlineData("false", "#")]
    [InlineData("[]", "#")]
    [InlineData("{", "#")]
    [InlineData("{\"type\":\"string\",\"type\":\"integer\"}", "#")]
    public void What_cannot_be_held_is_named_by_its_pointer(string schema, string pointer)
    {
        VaiUsageException refused = Assert.Throws<VaiUsageException>(() => Constraint.JsonSchema(schema));
        Assert.Equal(VaiError.InvalidConstraint, refused.Code);
        Assert.Contains($"at {pointer}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Hostile_schemas_come_to_an_end()
    {
        string names = string.Join(',', Enumerable.Range(0, 100_000).Select(i => $"\"n{i}\""));
        Assert.True(Constraint.JsonSchema($$"""{"enum":[{{names}}]}""").Accepts("\"n4711\""));
        Assert.True(Constraint.JsonSchema("""{"type":"string","maxLength":1000000000}""").Accepts("\"a\""));
        Assert.True(Constraint.JsonSchema("""{"type":"array","maxItems":1000000000,"minItems":3}""").Accepts("[1,2,3]"));
        string all = string.Join(',', Enumerable.Range(0, 40).Select(i => """{"anyOf":[{"type":"string"},{"type":"integer"},{"type":"null"}]}"""));
        foreach (string hostile in new[]
        {
            "{\"type\":\"string\",\"pattern\":\"" + new string('(', 30_000) + new string(')', 30_000) + "\"}", string.Concat(Enumerable.Repeat("[", 100_000)),
            "{\"allOf\":[" + all + "]}", """{"type":"string","pattern":"(a|aa){1,100000}"}""", """{"type":"string","pattern":"(x+x+)+y.{1000}$"}""",
            "{\"description\":\"" + new string('x', 1 << 20) + "\"}", """{"allOf":[{"$ref":"#"}],"anyOf":[{"$ref":"#"},{"$ref":"#"}]}""",
        })
        {
            try
            {
                Constraint.JsonSchema(hostile).Accepts("{}");
            }
            catch (VaiUsageException e)
            {
                Assert.Equal(VaiError.InvalidConstraint, e.Code);
            }
        }
    }

    [Theory]
    [InlineData("""{"oneOf":[{"$ref":"#"},{"type":"string"}]}""")]
    [InlineData("""{"not":{"required":"x"}}""")]
    [InlineData("""{"not":{"properties":5}}""")]
    [InlineData("""{"not":{"required":[5]}}""")]
    [InlineData("""{"oneOf":[{"type":"object","required":[5]},{"type":"object"}]}""")]
    [InlineData("""{"type":"number","minimum":1e-2147483648}""")]
    [InlineData("""{"const":"\ud800"}""")]
    [InlineData("""{"properties":5}""")]
    [InlineData("""{"type":"object","patternProperties":{"^a$":{}},"additionalProperties":false,"minProperties":2}""")]
    public void What_is_no_schema_or_holds_nothing_is_a_typed_error(string schema) =>
        Assert.Equal(VaiError.InvalidConstraint, Assert.Throws<VaiUsageException>(() => Constraint.JsonSchema(schema)).Code);

    [Fact]
    public void Depth_is_no_reason_to_end()
    {
        // Texts and schemas that go deep, lists that are long: an answer or a typed error.
        Assert.False(Constraint.JsonObject.Accepts("{\"a\":" + new string('[', 200_000)));
        string chain = string.Join(',', Enumerable.Range(0, 15_000).Select(i => "\"d" + i + "\":{\"items\":{\"$ref\":\"#/$defs/d" + (i + 1) + "\"}}"));
        string zeros = string.Join(',', Enumerable.Repeat("0", 50_000)), constants = string.Join(',', Enumerable.Range(0, 20_000).Select(i => $$"""{"const":{{i}}}"""));
        foreach (string schema in new[]
        {
            "{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + chain + ",\"d15000\":{}}}", "{\"const\":[" + zeros + "]}", "{\"oneOf\":[" + constants + "]}",
        })
        {
            try
            {
                Constraint.JsonSchema(schema);
            }
            catch (VaiUsageException e)
            {
                Assert.Equal(VaiError.InvalidConstraint, e.Code);
            }
        }
    }

    [Fact]
    public void How_deeply_schemas_refer_to_each_other_is_no_matter_of_the_stack()
    {
        const int Depth = 1_000;
        string chain = string.Join(',', Enumerable.Range(0, Depth).Select(i => $"\"d{i}\":{{\"type\":\"array\",\"items\":{{\"$ref\":\"#/$defs/d{i + 1}\"}}}}"));
        string graph = string.Join(',', Enumerable.Range(0, Depth).Select(i => $"\"g{i}\":{{\"type\":\"object\",\"properties\":{{\"a\":{{\"$ref\":\"#/$defs/g{((2 * i) + 1) % Depth}\"}},\"b\":{{\"$ref\":\"#/$defs/g{((2 * i) + 2) % Depth}\"}}}}}}"));
        Exception? error = null;
        var thread = new Thread(
            () => error = Record.Exception(() =>
            {
                Assert.True(Constraint.JsonSchema("{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + chain + ",\"d" + Depth + "\":{}}}").Accepts("[[[]]]"));
                Assert.True(Constraint.JsonSchema("{\"$ref\":\"#/$defs/g0\",\"$defs\":{" + graph + "}}").Accepts("{\"b\":{\"a\":{}}}"));
            }),
            256 << 10);
        thread.Start();
        thread.Join();
        Assert.True(error is null, error?.ToString());
    }

    [Fact]
    public void Numbers_of_any_exponent_are_compared()
    {
        var constraint = Constraint.JsonSchema("""{"anyOf":[{"const":2},{"allOf":[{"const":1},{"const":1e2147483648}]}]}""");
        Assert.True(constraint.Accepts("2"));
        Assert.False(constraint.Accepts("1"));
    }

    [Fact]
    public void A_schema_that_is_one_of_its_own_choices_is_the_others()
    {
        var constraint = Constraint.JsonSchema("""{"anyOf":[{"$ref":"#"},{"type":"string"}]}""");
        Assert.True(constraint.Accepts("\"a\""));
        Assert.False(constraint.Accepts("5"));
    }

    [Fact]
    public void Members_of_conjunctions_come_in_their_order_and_values_with_parts_in_any()
    {
        Assert.True(Constraint.JsonSchema("""{"allOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}],"type":"object"}""").Accepts("{\"a\":1,\"b\":2}"));
        Assert.True(Constraint.JsonSchema("""{"enum":[{"b":1,"a":2}],"properties":{"a":{},"b":{}}}""").Accepts("{\"b\":1,\"a\":2}"));
        Assert.True(Constraint.JsonSchema("""{"type":"string"}""").Accepts("\"\\udbff\\udfff\""));
    }

    [Fact]
    public void A_pattern_is_the_whole_text()
    {
        var constraint = Constraint.Regex("[A-Z]{2}-[0-9]+|none");
        Assert.True(constraint.Accepts("AB-12"));
        Assert.False(constraint.Accepts("xAB-12"));
        Assert.Equal(VaiError.InvalidConstraint, Assert.Throws<VaiUsageException>(() => Constraint.Regex("a(")).Code);
        Assert.Equal(VaiError.InvalidConstraint, Assert.Throws<VaiUsageException>(() => Constraint.Regex("[^\\s\\S]")).Code);
    }
}
