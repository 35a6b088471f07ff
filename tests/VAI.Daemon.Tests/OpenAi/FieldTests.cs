using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using VAI.Daemon.OpenAi;
using VAI.Daemon.OpenAi.Requests;
using VAI.Daemon.Tests.Ai;

namespace VAI.Daemon.Tests.OpenAi;

/// <summary>
/// Every field that a request is looked through for: it changes the answer, which is shown here, or asks for nothing of it, or is refused by its name, or is
/// named as ignored. One that is added fails until it is one of these, and is in <c>src/VAI.Daemon/OpenAi/openapi.json</c> and <c>docs/api.md</c>.
/// </summary>
[Collection(AiCollection.Name)]
public sealed partial class FieldTests(AiServer server)
{
    private const string Tools = """[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}}]""";
    private const string OpenEnd = """[{"role":"user","content":"Hello"},{"role":"assistant","content":"Well,"}]""";
    private const string Todo = "Add it to the rows of this test that it belongs to, to openapi.json beside OpenAiApi, and to docs/api.md.";
    private const string Sampled = """ "temperature":1,"seed":1 """;

    // What is asked for of a model, and what more changes the answer.
    private static readonly Dictionary<string, (string Model, string Before, string With)> OfBoth = new()
    {
        ["model"] = ("m", "", """ "model":"n" """),
        ["max_tokens"] = ("m", "", """ "max_tokens":3 """),
        ["n_predict"] = ("m", """ "max_tokens":null """, """ "n_predict":3 """),
        ["temperature"] = ("m", """ "seed":1 """, """ "temperature":1 """),
        ["top_p"] = ("m", Sampled, """ "top_p":0 """),
        ["top_k"] = ("m", Sampled, """ "top_k":1 """),
        ["min_p"] = ("m", Sampled, """ "min_p":1 """),
        ["typical_p"] = ("m", Sampled, """ "typical_p":0.1 """),
        ["typ_p"] = ("m", Sampled, """ "typ_p":0.1 """),
        ["repeat_penalty"] = ("m", "", """ "repeat_penalty":2 """),
        ["repetition_penalty"] = ("m", "", """ "repetition_penalty":2 """),
        ["repeat_last_n"] = ("m", """ "repeat_penalty":2 """, """ "repeat_last_n":0 """),
        ["penalty_last_n"] = ("m", """ "repeat_penalty":2 """, """ "penalty_last_n":0 """),
        ["frequency_penalty"] = ("m", """ "frequency_penalty":-2 """, """ "frequency_penalty":2 """),
        ["presence_penalty"] = ("m", """ "presence_penalty":-2 """, """ "presence_penalty":2 """),
        ["seed"] = ("m", Sampled, """ "seed":2 """),
        ["logit_bias"] = ("m", "", """ "logit_bias":{"70":100} """),
        ["stop"] = ("t", "", """ "stop":"es" """),
        ["response_format"] = ("m", "", """ "response_format":{"type":"json_object"} """),
        ["json_schema"] = ("m", "", """ "json_schema":{"type":"boolean"} """),
        ["guided_json"] = ("m", "", """ "guided_json":{"type":"boolean"} """),
        ["guided_regex"] = ("m", "", """ "guided_regex":"[0-9]{3}" """),
        ["guided_choice"] = ("m", "", """ "guided_choice":["yes","no"] """),
        ["grammar"] = ("m", "", """ "grammar":"root ::= [0-9]+ \"!\"" """),
        ["fast_forward"] = ("m", """ "guided_regex":"(The gate is open\\. ){3}" """, """ "fast_forward":true """),
        ["n"] = ("m", "", """ "n":2 """),
        ["stream"] = ("m", "", """ "stream":true """),
        ["stream_options"] = ("m", """ "stream":true """, """ "stream_options":{"include_usage":true} """),
    };

    private static readonly Dictionary<string, (string Model, string Before, string With)> OfChat = new(OfBoth)
    {
        ["messages"] = ("m", "", """ "messages":[{"role":"user","content":"Good bye"}] """),
        ["max_completion_tokens"] = ("m", "", """ "max_completion_tokens":3 """),
        ["logprobs"] = ("m", "", """ "logprobs":true """),
        ["top_logprobs"] = ("m", """ "logprobs":true """, """ "top_logprobs":2 """),
        ["tools"] = ("r", "", $""" "tools":{Tools} """),
        ["tool_choice"] = ("r", $""" "tools":{Tools} """, """ "tool_choice":"none" """),
        ["parallel_tool_calls"] = ("r", $$""" "tools":{{Tools}},"messages":[{"role":"user","content":"Twice!"}] """, """ "parallel_tool_calls":false """),
        ["enable_thinking"] = ("t", "", """ "enable_thinking":false """),
        ["think"] = ("t", "", """ "think":false """),
        ["reasoning_effort"] = ("t", "", """ "reasoning_effort":"high" """),
        ["reasoning"] = ("t", "", """ "reasoning":{"effort":"high"} """),
        ["thinking"] = ("t", "", """ "thinking":{"type":"disabled"} """),
        ["thinking_budget"] = ("t", "", """ "thinking_budget":1 """),
        ["thinking_budget_tokens"] = ("t", "", """ "thinking_budget_tokens":1 """),
        ["reasoning_budget"] = ("t", "", """ "reasoning_budget":1 """),
        ["reasoning_format"] = ("t", "", """ "reasoning_format":"none" """),
        ["chat_template_kwargs"] = ("t", "", """ "chat_template_kwargs":{"reasoning_effort":"high"} """),
        ["add_generation_prompt"] = ("m", $""" "messages":{OpenEnd} """, """ "add_generation_prompt":true """),
        ["continue_final_message"] = ("m", $""" "messages":{OpenEnd} """, """ "continue_final_message":false """),
    };

    private static readonly Dictionary<string, (string Model, string Before, string With)> OfCompletion = new(OfBoth)
    {
        ["prompt"] = ("m", "", """ "prompt":"Good bye" """),
        ["logprobs"] = ("m", "", """ "logprobs":2 """),
    };

    private static readonly Dictionary<string, (string Model, string Before, string With)> OfEmbedding = new()
    {
        ["input"] = ("e", "", """ "input":"Good bye" """),
        ["encoding_format"] = ("e", "", """ "encoding_format":"base64" """),
    };

    // Who asks, and what for: nothing of it is the answer's.
    private static readonly Dictionary<string, string> Taken = new()
    {
        ["user"] = "\"u\"",
        ["safety_identifier"] = "\"u\"",
        ["prompt_cache_key"] = "\"k\"",
        ["prompt_cache_retention"] = "\"24h\"",
        ["metadata"] = """{"a":"b"}""",
    };

    // What is a value of these, and not to be had.
    private static readonly Dictionary<string, string> NotToBeHad = new() { ["model"] = "\"m\"", ["dimensions"] = "7", ["service_tier"] = "\"flex\"" };

    /// <summary>The names that requests are looked through for, by their route.</summary>
    public static TheoryData<string, string> Known { get; } = AllFields();

    [Theory]
    [MemberData(nameof(Known))]
    public async Task A_field_is_honoured_or_refused_or_named(string route, string field)
    {
        var rows = route switch
        {
            "chat/completions" => OfChat,
            "completions" => OfCompletion,
            _ => OfEmbedding,
        };
        if (rows.TryGetValue(field, out var row))
        {
            (string without, _, _) = await AskAsync(route, row.Model, row.Before);
            (string with, _, string? ignored) = await AskAsync(route, row.Model, row.Before, row.With);
            Assert.NotEqual(without, with);
            Assert.Null(ignored);
            return;
        }

        string model = route == "embeddings" ? "e" : "m";
        if (Taken.TryGetValue(field, out string? value))
        {
            (string without, _, _) = await AskAsync(route, model);
            (string with, _, string? ignored) = await AskAsync(route, model, $"\"{field}\":{value}");
            Assert.Equal(without, with);
            Assert.Null(ignored);
            return;
        }

        // No field has this for a value that asks for nothing. What is another name of a field that is there would be named for that alone.
        string alone = route == "completions" ? "\"max_tokens\":null,\"temperature\":null" : "";
        (string answer, HttpStatusCode status, string? named) = await AskAsync(route, model, alone, $"\"{field}\":{NotToBeHad.GetValueOrDefault(field, "{\"a\":1}")}");
        if (status == HttpStatusCode.OK)
        {
            Assert.True(field == named, $"'{field}' is neither honoured nor refused nor named in x-vai-ignored, which has '{named}'. {Todo}");
            return;
        }

        using JsonDocument error = JsonDocument.Parse(answer);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(field, error.RootElement.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.True(
            NotToBeHad.ContainsKey(field) || error.RootElement.GetProperty("error").GetProperty("code").GetString()!.StartsWith("unsupported", StringComparison.Ordinal),
            $"'{field}' is read, and nothing here shows what it does: {answer} {Todo}");
    }

    [Fact]
    public async Task What_is_honoured_or_taken_is_in_the_document()
    {
        using JsonDocument document = JsonDocument.Parse(await server.Http.GetStringAsync("/openapi.json"));
        JsonElement schemas = document.RootElement.GetProperty("components").GetProperty("schemas");
        foreach ((string schema, string route, IEnumerable<string> rows) in ((string, string, IEnumerable<string>)[])
            [("ChatRequest", "chat/completions", OfChat.Keys), ("CompletionRequest", "completions", OfCompletion.Keys), ("EmbeddingRequest", "embeddings", OfEmbedding.Keys)])
        {
            IEnumerable<string> named = schemas.GetProperty(schema).GetProperty("properties").EnumerateObject().Select(p => p.Name);
            string[] missing = [.. rows.Concat(Taken.Keys.Where(KnownTo(route).Contains)).Except(named)];
            Assert.True(missing.Length == 0, $"{schema} of src/VAI.Daemon/OpenAi/openapi.json lacks {string.Join(", ", missing)}. Describe it there and in docs/api.md.");
        }
    }

    /// <summary>The names that a route's requests are looked through for.</summary>
    internal static IReadOnlySet<string> KnownTo(string route)
    {
        using JsonDocument document = JsonDocument.Parse("""{"model":"m","messages":[{"role":"user","content":"x"}],"prompt":"x","input":"x"}""");
        var fields = new Fields(document.RootElement, new IgnoredFields(strict: false));
        _ = route switch
        {
            "chat/completions" => (object)ChatRequest.Read(fields, new OpenAiOptions()),
            "completions" => CompletionRequest.Read(fields, new OpenAiOptions()),
            _ => EmbeddingRequest.Read(fields),
        };
        return fields.Known;
    }

    private static TheoryData<string, string> AllFields()
    {
        var all = new TheoryData<string, string>();
        foreach (string route in (string[])["chat/completions", "completions", "embeddings"])
        {
            foreach (string field in KnownTo(route))
                all.Add(route, field);
        }

        return all;
    }

    // What of an answer is the same whenever the same is asked for.
    private async Task<(string Answer, HttpStatusCode Status, string? Ignored)> AskAsync(string route, string model, params string[] more)
    {
        JsonObject request = JsonNode.Parse(route switch
        {
            "chat/completions" => """{"messages":[{"role":"user","content":"Hello"}],"max_tokens":64,"temperature":0}""",
            "completions" => """{"prompt":"Hello","max_tokens":64,"temperature":0}""",
            _ => """{"input":"Hello"}""",
        })!.AsObject();
        request["model"] = model;
        foreach (string members in more)
        {
            foreach ((string name, JsonNode? value) in JsonNode.Parse("{" + members + "}")!.AsObject())
                request[name] = value?.DeepClone();
        }

        using HttpResponseMessage response = await server.Http.PostAsync($"/v1/{route}", new StringContent(request.ToJsonString(), Encoding.UTF8, "application/json"));
        string answer = Passing().Replace(await response.Content.ReadAsStringAsync(), "");
        return (answer, response.StatusCode, response.Headers.TryGetValues("x-vai-ignored", out IEnumerable<string>? names) ? string.Join(", ", names) : null);
    }

    [GeneratedRegex("\"id\":\"[^\"]*\"|\"created\":[0-9]+|\"prompt_tokens_details\":\\{[^}]*\\}")]
    private static partial Regex Passing();
}
