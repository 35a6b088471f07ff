using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using VAI.Daemon.OpenAi;

namespace VAI.Daemon.Tests.OpenAi;

/// <summary>What has no effect is named and not refused; what others call otherwise is honoured; histories are taken as they come.</summary>
public sealed class ToleranceTests(OpenAiServer server) : OpenAiTest(server)
{
    private const string Request = """{"model":"m","messages":[{"role":"user","content":"Hello"}],"temperature":0,"max_tokens":8}""";

    // What gateways and clients were seen to send, none of which can change the answer.
    private const string TenFields =
        "\"cache_prompt\":true,\"keep_alive\":\"5m\",\"ttl\":300,\"num_ctx\":4096,\"id_slot\":-1,\"trace_id\":\"x\",\"provider\":{\"order\":[]},"
        + "\"transforms\":[],\"litellm_params\":{},\"session_id\":\"s\"";

    [Fact]
    public async Task Ten_fields_that_are_not_known_change_nothing_and_are_named()
    {
        foreach ((string path, string request) in ((string, string)[])
            [(Chat, Request), (Completions, """{"model":"m","prompt":"Hello","temperature":0,"max_tokens":8}"""), (Embeddings, """{"model":"e","input":"x"}""")])
        {
            JsonElement plain = await PostAsync(path, request);
            using HttpResponseMessage response = await Server.Http.PostAsync(path, Json(request[..^1] + "," + TenFields + "}"));
            JsonElement answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
            Assert.Equal(Content(plain), Content(answer));
            Assert.Equal(
                "cache_prompt, keep_alive, ttl, num_ctx, id_slot, trace_id, provider, transforms, litellm_params, session_id", Ignored(response));
        }

        static string Content(JsonElement answer) => answer.TryGetProperty("choices", out JsonElement choices)
            ? choices[0].TryGetProperty("message", out JsonElement m) ? m.GetRawText() : choices[0].GetRawText()
            : answer.GetProperty("data").GetRawText();
    }

    [Fact]
    public async Task The_header_is_bounded_and_printable_and_has_places()
    {
        string request = With(Request, "messages", """
            [{"role":"user","content":[{"type":"text","text":"Hello","cache_control":{"type":"ephemeral"}}],"bar":1,"na,me\nü":2},
             {"role":"assistant","content":"Hi","reasoning_content":"thoughts"},{"role":"user","content":"?"}]
            """);
        using HttpResponseMessage response = await Server.Http.PostAsync(Chat, Json(With(request, "prediction", "{}")));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(
            "prediction, messages[0].content[0].cache_control, messages[0].bar, messages[0].na?me??", Ignored(response));

        string many = Request[..^1] + string.Concat(Enumerable.Range(0, 100).Select(i => $",\"{new string('f', 80)}{i}\":0")) + "}";
        using HttpResponseMessage bounded = await Server.Http.PostAsync(Chat, Json(many));
        Assert.Equal(HttpStatusCode.OK, bounded.StatusCode);
        Assert.InRange(Ignored(bounded)!.Length, 60, 1100);

        many = Request[..^1] + string.Concat(Enumerable.Range(0, 100).Select(i => $",\"f{i}\":0")) + "}";
        using HttpResponseMessage counted = await Server.Http.PostAsync(Chat, Json(many));
        Assert.EndsWith(", f31, ...", Ignored(counted));
        using HttpResponseMessage none = await Server.Http.PostAsync(Chat, Json(Request));
        Assert.Null(Ignored(none));
    }

    [Fact]
    public async Task Each_field_is_said_once_in_the_log()
    {
        var lines = new List<string>();
        await using WebApplication app = await OpenAiServer.StartAsync(
            Server.Vai, new OpenAiOptions(), k => k.Listen(IPAddress.Loopback, 0), logging => logging.AddProvider(new Recorder(lines)));
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        string request = With(Request, "messages", """[{"role":"user","content":"a","mood":1},{"role":"user","content":"b","mood":1}]""");
        for (int i = 0; i < 3; i++)
            (await http.PostAsync(Chat, Json(request[..^1] + ",\"foo\":1}"))).EnsureSuccessStatusCode();
        Assert.Equal(["foo", "messages[].mood"], lines.Where(l => l.Contains("ignored")).Select(l => l.Split('\'')[1]).Order());
    }

    [Fact]
    public async Task Other_names_of_what_there_is_are_honoured()
    {
        const string Text = """{"model":"m","prompt":"Once upon a time","temperature":1,"seed":3}""";
        await SameAsync(Text, "\"repeat_penalty\":1.5", "\"repetition_penalty\":1.5");
        await SameAsync(Text, "\"max_tokens\":5", "\"n_predict\":5");
        await SameAsync(Text, "\"max_tokens\":5", "\"max_tokens\":5,\"n_predict\":7");
        await SameAsync(Text, "\"top_k\":0", "\"top_k\":-1");
        (string text, _) = await EngineAsync("Once upon a time", OpenAiDefaults with { TypicalP = 0.5f, PenaltyLastN = 8, RepeatPenalty = 2, Seed = 3, MaxTokens = 16 });
        Assert.Equal(text, await TextAsync(Text, "\"typical_p\":0.5,\"repeat_last_n\":8,\"repetition_penalty\":2"));
        using HttpResponseMessage both = await Server.Http.PostAsync(
            Completions, Json(Text[..^1] + ",\"repeat_penalty\":1.5,\"repetition_penalty\":2}"));
        Assert.Equal("repetition_penalty", Ignored(both));
    }

    [Fact]
    public async Task Histories_of_tools_and_thoughts_are_taken()
    {
        const string Call = "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>";
        await RendersAsync(
            """
            [{"role":"developer","content":"Be brief."},{"role":"user","content":"Add."},
             {"role":"assistant","content":null,"reasoning_content":"hm","refusal":null,"annotations":[],"tool_calls":[
               {"id":"1","type":"function","index":0,"function":{"name":"add","arguments":"{\"a\": 1}"}},
               {"id":"2","type":"function","function":{"name":"say \"x\"","arguments":"no JSON"}}]},
             {"role":"tool","tool_call_id":"1","content":"3"},{"role":"tool","tool_call_id":"2","content":[{"type":"text","text":"4"}]},
             {"role":"user","content":"And?"}]
            """,
            new("system", "Be brief."), new("user", "Add."),
            new("assistant", Call + "\n<tool_call>\n{\"name\": \"say \\\"x\\\"\", \"arguments\": \"no JSON\"}\n</tool_call>"),
            new("user", "<tool_response>\n3\n</tool_response>\n<tool_response>\n4\n</tool_response>"), new("user", "And?"));
        await RendersAsync(
            """
            [{"role":"user","content":"Add."},{"role":"assistant","content":"Well.","function_call":{"name":"add","arguments":"{\"a\": 1}"}},
             {"role":"function","name":"add","content":"3"}]
            """,
            new("user", "Add."), new("assistant", "Well.\n" + Call), new("user", "<tool_response>\n3\n</tool_response>"));
        await RendersAsync(
            """
            [{"role":"user","content":"x"},{"role":"assistant"},{"role":"user","content":[]},
             {"role":"assistant","content":[{"type":"refusal","refusal":"No."}],"tool_calls":[]},
             {"role":"assistant","content":"","refusal":"Never."},{"role":"user","content":"y"}]
            """,
            new("user", "x"), new("assistant", ""), new("user", ""), new("assistant", "No."), new("assistant", "Never."), new("user", "y"));
    }

    [Fact]
    public async Task Hints_are_taken()
    {
        using HttpResponseMessage response = await Server.Http.PostAsync(Chat, Json(Request[..^1] + """
            ,"user":"u","metadata":{"a":"b"},"store":false,"service_tier":"flex","parallel_tool_calls":false,"prompt_cache_key":"k","stream_options":null,
            "verbosity":"medium","chat_template_kwargs":{},"add_generation_prompt":true,"continue_final_message":false,"min_tokens":0,"mirostat":0,
            "tools":[],"functions":[],"stop":[],"logit_bias":{},"response_format":{"type":"text"}}
            """));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("service_tier", Ignored(response));
    }

    private async Task RendersAsync(string messages, params ChatTurn[] turns)
    {
        string prompt = await Server.Vai.Select("m").RenderChatAsync(turns);
        (string text, InferenceResult result) = await EngineAsync(prompt, InferenceOptions.Greedy with { MaxTokens = 8 });
        JsonElement answer = await PostAsync(Chat, With(Request, "messages", messages));
        Assert.Equal(text, answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        Assert.Equal(result.PromptTokens, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    private async Task SameAsync(string request, string one, string other) =>
        Assert.Equal(await TextAsync(request, one), await TextAsync(request, other));

    private async Task<string> TextAsync(string request, string more) =>
        (await PostAsync(Completions, $"{request[..^1]},{more}}}")).GetProperty("choices")[0].GetProperty("text").GetString()!;

    private static string? Ignored(HttpResponseMessage response) =>
        response.Headers.TryGetValues("x-vai-ignored", out IEnumerable<string>? values) ? string.Join(", ", values) : null;

    private sealed class Recorder(List<string> lines) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (lines)
                lines.Add(formatter(state, exception));
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public void Dispose()
        {
        }
    }
}
