using System.Net;
using System.Text.Json;

namespace VAI.Daemon.Tests.OpenAi.Structured;

/// <summary>Answers over HTTP that must be something: each way of asking for it is held, or refused by its name.</summary>
public sealed class ConstraintTests(OpenAiServer server) : OpenAiTest(server)
{
    private const string Schema = """{"type":"object","properties":{"ok":{"type":"boolean"},"n":{"type":"integer","minimum":1,"maximum":99}},"required":["ok","n"],"additionalProperties":false}""";

    public static TheoryData<string> Ways { get; } =
    [
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"strict\":true,\"schema\":" + Schema + "}}",
        "\"response_format\":{\"type\":\"json_object\",\"schema\":" + Schema + "}",
        "\"json_schema\":" + Schema,
        "\"guided_json\":" + Schema,
        "\"fast_forward\":true,\"json_schema\":" + Schema,
    ];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task An_answer_fits_the_schema_that_was_asked_for(string way)
    {
        string request = $$"""{"model":"m","messages":[{"role":"user","content":"Hello"}],"temperature":1.5,"seed":7,"max_tokens":200,{{way}}""";
        JsonElement choice = (await PostAsync(Chat, request + "}")).GetProperty("choices")[0];
        Assert.Equal("stop", choice.GetProperty("finish_reason").GetString());
        string text = choice.GetProperty("message").GetProperty("content").GetString()!;
        Assert.True(Constraint.JsonSchema(Schema).Accepts(text), text);

        List<JsonElement> events = await StreamAsync(Chat, request + ",\"stream\":true}");
        Assert.Equal(text, string.Concat(events.Select(e => e.GetProperty("choices")[0].GetProperty("delta").TryGetProperty("content", out JsonElement c) ? c.GetString() : "")));
        JsonElement completion = await PostAsync("/v1/completions", $$"""{"model":"m","prompt":"Hello","temperature":1.5,"seed":7,"max_tokens":200,{{way}}}""");
        Assert.True(Constraint.JsonSchema(Schema).Accepts(completion.GetProperty("choices")[0].GetProperty("text").GetString()!));
    }

    [Fact]
    public async Task A_schema_may_be_as_deep_as_the_library_takes_it()
    {
        string schema = string.Concat(Enumerable.Repeat("{\"type\":\"array\",\"maxItems\":1,\"items\":", 62)) + "true" + new string('}', 62);
        JsonElement choice = (await PostAsync(Chat, $$$"""
            {"model":"m","messages":[{"role":"user","content":"Hello"}],"max_tokens":200,"seed":2,
             "response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{{{schema}}} } } }
            """)).GetProperty("choices")[0];
        string text = choice.GetProperty("message").GetProperty("content").GetString()!;
        Assert.True(choice.GetProperty("finish_reason").GetString() == "length" || Constraint.JsonSchema(schema).Accepts(text), text);
        Assert.StartsWith("[", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Choices_and_patterns_are_held_too()
    {
        foreach ((string way, string pattern) in new[] { ("\"guided_choice\":[\"yes.\",\"no\"]", "yes\\.|no"), ("\"guided_regex\":\"[0-9]{3}\"", "[0-9]{3}") })
        {
            JsonElement choice = (await PostAsync(Chat, $$"""{"model":"m","messages":[{"role":"user","content":"Hello"}],"temperature":2,"seed":1,{{way}}}""")).GetProperty("choices")[0];
            Assert.Matches($"^({pattern})$", choice.GetProperty("message").GetProperty("content").GetString());
        }
    }

    [Fact]
    public async Task An_answer_is_a_text_of_the_grammar_that_was_asked_for()
    {
        const string Grammar = "root ::= (\"yes\" | \"no\") why?\nwhy ::= \", \" [a-z]{1,5} (\" (\" why \")\")?";
        var constraint = Constraint.Gbnf(Grammar);
        string fields = $"\"temperature\":1.5,\"seed\":5,\"max_tokens\":200,\"grammar\":{Quote(Grammar)}";
        string request = $$"""{"model":"m","messages":[{"role":"user","content":"Hello"}],{{fields}}""";
        JsonElement choice = (await PostAsync(Chat, request + "}")).GetProperty("choices")[0];
        Assert.Equal("stop", choice.GetProperty("finish_reason").GetString());
        string text = choice.GetProperty("message").GetProperty("content").GetString()!;
        Assert.True(constraint.Accepts(text), text);
        List<JsonElement> events = await StreamAsync(Chat, request + ",\"stream\":true}");
        Assert.Equal(text, string.Concat(events.Select(e => e.GetProperty("choices")[0].GetProperty("delta").TryGetProperty("content", out JsonElement c) ? c.GetString() : "")));
        JsonElement completion = await PostAsync("/v1/completions", $$"""{"model":"m","prompt":"Hello",{{fields}}}""");
        Assert.True(constraint.Accepts(completion.GetProperty("choices")[0].GetProperty("text").GetString()!));

        // An empty one is none.
        await PostAsync(Chat, """{"model":"m","messages":[{"role":"user","content":"Hello"}],"max_tokens":2,"grammar":"","response_format":{"type":"text"}}""");
    }

    [Theory]
    [InlineData("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":{\"type\":\"array\",\"uniqueItems\":true}}}", "response_format.json_schema.schema", "#/uniqueItems")]
    [InlineData("\"response_format\":{\"type\":\"xml\"}", "response_format.type", "json_schema")]
    [InlineData("\"response_format\":{\"type\":\"json_schema\"}", "response_format.json_schema", "json_schema")]
    [InlineData("\"guided_regex\":\"a(\"", "guided_regex", "regular expression")]
    [InlineData("\"grammar\":\"root ::= x\"", "grammar", "line 1: no rule is named 'x'")]
    [InlineData("\"grammar\":\"root ::= \\\"a\\\"\\nx ::= x\"", "grammar", "line 2: the rule 'x' begins with itself")]
    [InlineData("\"grammar\":7", "grammar", "string")]
    [InlineData("\"grammar\":\"root ::= [a]\",\"json_schema\":{}", "grammar", "'json_schema' and 'grammar'")]
    [InlineData("\"grammar\":\"root ::= [a]\",\"response_format\":{\"type\":\"json_object\"}", "grammar", "'response_format' and 'grammar'")]
    [InlineData("\"guided_choice\":[]", "guided_choice", "1 to")]
    [InlineData("\"guided_choice\":[\"a\"],\"guided_regex\":\"a\"", "guided_choice", "guided_regex")]
    public async Task What_cannot_be_held_is_a_400_that_names_it(string way, string field, string says)
    {
        using HttpResponseMessage response = await Server.Http.PostAsync(Chat, Json($$"""{"model":"m","messages":[{"role":"user","content":"Hello"}],{{way}}}"""));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        using JsonDocument document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        JsonElement error = document.RootElement.GetProperty("error");
        Assert.Equal(field, error.GetProperty("param").GetString());
        Assert.Contains(says, error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }
}
