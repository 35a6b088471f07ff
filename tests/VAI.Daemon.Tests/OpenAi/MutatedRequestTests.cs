using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using VAI.Tests.Shared;
using Xunit.Abstractions;

namespace VAI.Daemon.Tests.OpenAi;

/// <summary>
/// Requests that were right once are answered or refused by name, and the server goes on. <c>VAI_TEST_MUTATED_REQUESTS</c> is how many, <c>VAI_TEST_SEED</c>
/// the seed of the first.
/// </summary>
public sealed class MutatedRequestTests(OpenAiServer server, ITestOutputHelper output) : OpenAiTest(server)
{
    private static readonly (string Path, string Body)[] Bases =
    [
        (Chat, """{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"x"}]}],"max_tokens":2,"temperature":0.5,"top_p":0.9,"seed":1,"stop":["a","b"],"logprobs":true,"top_logprobs":2}"""),
        (Chat, """{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"y"}],"max_completion_tokens":2,"tools":[{"type":"function","function":{"name":"f","description":"d","strict":true,"parameters":{"type":"object","properties":{"a":{"type":"string","enum":["u","v"]}},"required":["a"],"additionalProperties":false}}}],"tool_choice":"auto","parallel_tool_calls":false}"""),
        (Chat, """{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":2,"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object","properties":{"v":{"type":"integer"}},"required":["v"],"additionalProperties":false}}},"stream":true,"stream_options":{"include_usage":true}}"""),
        (Chat, """{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":2,"tool_choice":{"type":"function","function":{"name":"g"}},"tools":[{"type":"function","function":{"name":"g"}}],"reasoning_effort":"low","logit_bias":{"5":-100},"n":2,"user":"u","metadata":{"k":"v"}}"""),
        (Completions, """{"model":"m","prompt":["x","y"],"max_tokens":2,"logprobs":1,"echo":true,"frequency_penalty":0.5,"presence_penalty":-0.5,"best_of":1,"suffix":null}"""),
        (Completions, """{"model":"m","prompt":[1,2,3],"max_tokens":2,"stream":true,"grammar":"root ::= \"a\"+","top_k":5,"min_p":0.1,"repeat_penalty":1.1,"repeat_last_n":16,"mirostat":0}"""),
        (Completions, """{"model":"m","prompt":"x","max_tokens":2,"json_schema":{"type":"array","items":{"type":"boolean"}},"stop":"z","n":1}"""),
        (Embeddings, """{"model":"e","input":["x",[1,2]],"encoding_format":"base64","dimensions":16}"""),
    ];

    [Fact]
    public async Task Each_is_answered_or_refused_by_name()
    {
        int seed = Number("VAI_TEST_SEED") ?? Random.Shared.Next(), count = Number("VAI_TEST_MUTATED_REQUESTS") ?? 2_000, answered = 0;
        var mutated = new MutatedJson([.. Bases.Select(b => b.Body)]);
        for (int i = 0; i < count; i++)
        {
            var random = new Random(seed + i);
            (string body, int of) = mutated.Next(random, Short);
            string path = random.Next(10) == 0 ? Bases[random.Next(Bases.Length)].Path : Bases[of].Path;
            using HttpResponseMessage response = await Server.Http.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"));
            string text = await response.Content.ReadAsStringAsync();
            string what = $"seed {seed}, {i}: {path} {body}: {(int)response.StatusCode} {text}";
            Assert.True(response.StatusCode == HttpStatusCode.OK || (int)response.StatusCode is >= 400 and < 500, what);
            if (response.StatusCode == HttpStatusCode.OK)
            {
                // What goes wrong in a stream is said in it.
                Assert.False(text.Contains("server_error", StringComparison.Ordinal), what);
                answered++;
                continue;
            }

            JsonElement error = JsonDocument.Parse(text).RootElement.GetProperty("error");
            Assert.True(error.GetProperty("message").GetString() is { Length: > 0 and < 1_000 }, what);
            Assert.NotEqual("server_error", error.GetProperty("type").GetString());
        }

        output.WriteLine($"VAI_TEST_SEED={seed} VAI_TEST_MUTATED_REQUESTS={count}: {answered} answered");
        Assert.InRange(answered, 1, count - 1);
        await AnswersAsync();
    }

    // A number of tokens or choices that is a large one stays one, of what takes no time.
    private static void Short(JsonNode node)
    {
        if (node is not JsonObject request)
            return;
        foreach ((string name, int most) in new[] { ("max_tokens", 4), ("max_completion_tokens", 4), ("n", 4), ("best_of", 4) })
        {
            if (request[name] is JsonValue value && value.TryGetValue(out double number) && number > most && number < 1e6)
                request[name] = most;
        }

        if (request["max_tokens"] is null && request["max_completion_tokens"] is null)
            request["max_tokens"] = 3;
    }

    private static int? Number(string variable) => int.TryParse(Environment.GetEnvironmentVariable(variable), out int number) ? number : null;
}
