using System.Net;
using System.Text.Json;

namespace VAI.Daemon.Tests.OpenAi.Structured;

/// <summary>Tools over HTTP: each value of <c>tool_choice</c> is held by the engine, whatever the weights say.</summary>
public sealed class ToolTests(OpenAiServer server) : OpenAiTest(server)
{
    private const string Tools = """
        "tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string","maxLength":8}},"required":["city"]}}},
                 {"type":"function","function":{"name":"add","strict":true,"parameters":{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["a","b"],"additionalProperties":false}}}]
        """;

    [Theory]
    [InlineData("\"tool_choice\":\"required\"", "weather,add")]
    [InlineData("\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"add\"}}", "add")]
    [InlineData("\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":{\"mode\":\"required\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\"}}]}}", "weather")]
    [InlineData("\"tool_choice\":\"required\",\"parallel_tool_calls\":false", "weather,add")]
    public async Task A_call_that_is_required_is_made(string choice, string allowed)
    {
        JsonElement answer = (await PostAsync(Chat, Request(choice))).GetProperty("choices")[0];
        Assert.Equal("tool_calls", answer.GetProperty("finish_reason").GetString());
        Assert.Equal(JsonValueKind.Null, answer.GetProperty("message").GetProperty("content").ValueKind);
        JsonElement[] calls = [.. answer.GetProperty("message").GetProperty("tool_calls").EnumerateArray()];
        Assert.All(calls, c => Check(c, allowed));
        Assert.True(!choice.Contains("parallel", StringComparison.Ordinal) || calls.Length == 1);

        List<JsonElement> events = await StreamAsync(Chat, Request(choice + ",\"stream\":true"));
        JsonElement[] streamed = [.. events.Select(e => e.GetProperty("choices")[0].GetProperty("delta"))
            .Where(d => d.TryGetProperty("tool_calls", out _)).SelectMany(d => d.GetProperty("tool_calls").EnumerateArray())];

        // The first of a call says what it is, and has no arguments yet; the others have those, in several pieces.
        JsonElement[][] each = [.. streamed.GroupBy(c => c.GetProperty("index").GetInt32()).Select(g => g.ToArray())];
        Assert.Equal(streamed.Select(c => c.GetProperty("index").GetInt32()), each.SelectMany((g, i) => g.Select(_ => i)));
        Assert.All(each, g => Assert.Equal("", Check(g[0], allowed, whole: false)));
        Assert.All(each, g => Assert.All(g.Skip(1), c => Assert.Equal(["index", "function"], c.EnumerateObject().Select(m => m.Name))));
        Assert.All(each, g => Assert.True(g.Length > 3, $"{g.Length} pieces"));
        Assert.Equal(
            calls.Select(c => (c.GetProperty("function").GetProperty("name").GetString(), c.GetProperty("function").GetProperty("arguments").GetString())),
            each.Select(g => (g[0].GetProperty("function").GetProperty("name").GetString(), (string?)string.Concat(g.Select(c => c.GetProperty("function").GetProperty("arguments").GetString())))));
        Assert.Equal("tool_calls", events.Select(e => e.GetProperty("choices")[0].GetProperty("finish_reason").GetString()).Last(f => f is not null));
    }

    [Fact]
    public async Task Tools_that_may_not_be_called_are_not_and_an_answer_beside_them_may_be_held()
    {
        JsonElement answer = (await PostAsync(Chat, Request("\"tool_choice\":\"none\""))).GetProperty("choices")[0];
        Assert.False(answer.GetProperty("message").TryGetProperty("tool_calls", out _));
        string format = "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":{\"type\":\"object\",\"properties\":{\"ok\":{\"type\":\"boolean\"}},\"required\":[\"ok\"],\"additionalProperties\":false}}}";
        answer = (await PostAsync(Chat, Request($"\"tool_choice\":\"none\",{format}"))).GetProperty("choices")[0];
        using JsonDocument held = JsonDocument.Parse(answer.GetProperty("message").GetProperty("content").GetString()!);
        Assert.True(held.RootElement.GetProperty("ok").ValueKind is JsonValueKind.True or JsonValueKind.False);

        // Either fits, or calls.
        JsonElement message = (await PostAsync(Chat, Request(format))).GetProperty("choices")[0].GetProperty("message");
        if (message.TryGetProperty("tool_calls", out JsonElement calls))
            Assert.All(calls.EnumerateArray(), c => Check(c, "weather,add"));
        else
            Assert.StartsWith("{", message.GetProperty("content").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"tool_choice\":\"maybe\"", "tool_choice")]
    [InlineData("\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"other\"}}", "tool_choice")]
    [InlineData("\"tool_choice\":{\"type\":\"custom\"}", "tool_choice.type")]
    public async Task What_cannot_be_chosen_is_a_400_that_names_it(string choice, string field)
    {
        using HttpResponseMessage response = await Server.Http.PostAsync(Chat, Json(Request(choice)));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        using JsonDocument document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal(field, document.RootElement.GetProperty("error").GetProperty("param").GetString());
    }

    [Fact]
    public async Task A_call_that_is_cut_is_the_same_whole_and_streamed()
    {
        int cut = 0;
        for (int tokens = 4; tokens <= 64; tokens += 6)
        {
            string request = With(Request("\"tool_choice\":\"required\""), "max_tokens", $"{tokens}");
            JsonElement answer = (await PostAsync(Chat, request)).GetProperty("choices")[0];
            string[] whole = [.. answer.GetProperty("message").TryGetProperty("tool_calls", out JsonElement calls)
                ? calls.EnumerateArray().Select(c => c.GetProperty("function")).Select(f => $"{f.GetProperty("name")} {f.GetProperty("arguments")}") : []];
            var streamed = new SortedDictionary<int, string>();
            foreach (JsonElement delta in (await StreamAsync(Chat, With(request, "stream", "true"))).Select(e => e.GetProperty("choices")[0].GetProperty("delta")))
            {
                foreach (JsonElement call in delta.TryGetProperty("tool_calls", out JsonElement pieces) ? pieces.EnumerateArray() : default)
                {
                    JsonElement function = call.GetProperty("function");
                    string name = function.TryGetProperty("name", out JsonElement n) ? $"{n} " : "";
                    streamed[call.GetProperty("index").GetInt32()] = streamed.GetValueOrDefault(call.GetProperty("index").GetInt32(), "") + name + function.GetProperty("arguments").GetString();
                }
            }

            Assert.Equal(streamed.Values, whole);
            cut += whole.Length > 0 && answer.GetProperty("finish_reason").GetString() == "length" ? 1 : 0;
        }

        Assert.True(cut > 0);
    }

    private static string Request(string more) =>
        $$"""{"model":"m","messages":[{"role":"user","content":"Hi"}],"temperature":1.3,"seed":4,"max_tokens":160,{{Tools}},{{more}}}""";

    private static string Check(JsonElement call, string allowed, bool whole = true)
    {
        Assert.Equal("function", call.GetProperty("type").GetString());
        Assert.NotEqual("", call.GetProperty("id").GetString());
        string name = call.GetProperty("function").GetProperty("name").GetString()!;
        Assert.Contains(name, allowed.Split(','));
        string written = call.GetProperty("function").GetProperty("arguments").GetString()!;
        if (!whole)
            return written;
        using JsonDocument arguments = JsonDocument.Parse(written);
        Assert.All(name == "add" ? ["a", "b"] : new[] { "city" }, n => Assert.True(arguments.RootElement.TryGetProperty(n, out _)));
        return written;
    }
}
