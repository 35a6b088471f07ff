using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace VAI.Daemon.Tests.OpenAi;

/// <summary>What is sent to break it: each is a 4xx, and the server still answers.</summary>
public sealed class AbuseTests(OpenAiServer server) : OpenAiTest(server)
{
    private const string Request = """{"model":"m","prompt":"x","max_tokens":1}""";

    [Fact]
    public async Task A_prompt_of_one_token_more_than_the_context()
    {
        string tokens = JsonSerializer.Serialize(Enumerable.Repeat(5, OpenAiServer.ContextLength + 1));
        await RefusedAsync(Completions, With(Request, "prompt", tokens), HttpStatusCode.BadRequest, "context_length_exceeded");
        string streamed = With(With(Request, "prompt", tokens), "stream", "true");
        await RefusedAsync(Completions, streamed, HttpStatusCode.BadRequest, "context_length_exceeded");
        await RefusedAsync(Completions, With(streamed, "n", "4"), HttpStatusCode.BadRequest, "context_length_exceeded");
        string text = string.Concat(Enumerable.Repeat("hello ", 4 * OpenAiServer.ContextLength));
        await RefusedAsync(
            Chat, $$"""{"model":"m","messages":[{"role":"user","content":{{Quote(text)}}}]}""", HttpStatusCode.BadRequest, "context_length_exceeded");
        await AnswersAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_prompt_of_100_MB(bool announced)
    {
        byte[] body = new byte[100_000_000];
        body.AsSpan().Fill((byte)'a');
        Encoding.ASCII.GetBytes("""{"model":"m","prompt":" """).CopyTo(body, 0);
        Encoding.ASCII.GetBytes("\"}").CopyTo(body, body.Length - 2);
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, Completions) { Content = content };
        if (!announced)
            request.Headers.TransferEncodingChunked = true;
        using HttpResponseMessage response = await Server.Http.SendAsync(request);
        await ErrorAsync(response, HttpStatusCode.RequestEntityTooLarge, "request_too_large");
        await AnswersAsync();
    }

    [Theory]
    [InlineData("temperature")]
    [InlineData("top_p")]
    [InlineData("min_p")]
    [InlineData("top_k")]
    [InlineData("repeat_penalty")]
    [InlineData("frequency_penalty")]
    [InlineData("presence_penalty")]
    [InlineData("max_tokens")]
    [InlineData("n")]
    public async Task Sampling_values_that_are_no_numbers_infinite_or_too_large(string field)
    {
        foreach (string value in (string[])["1e999", "-1e999", "2147483647", "-2147483648", "1e40", "\"NaN\"", "\"Infinity\"", "[]", "{}", "true"])
            await RefusedAsync(Completions, With(Request, field, value), HttpStatusCode.BadRequest, "invalid_value", field);
        foreach (string value in (string[])["NaN", "Infinity", "-Infinity"])
            await RefusedAsync(Completions, With(Request, field, value), HttpStatusCode.BadRequest, "invalid_json");
        foreach (string value in (string[])["1e999", "2147483647", "\"NaN\""])
            await RefusedAsync(Completions, With(Request, "logit_bias", $"{{\"1\":{value}}}"), HttpStatusCode.BadRequest, "invalid_value", "logit_bias");
        await RefusedAsync(Completions, With(Request, "seed", "1e999"), HttpStatusCode.BadRequest, "invalid_value", "seed");
        await AnswersAsync();
    }

    [Fact]
    public async Task Bad_UTF_8_and_half_of_a_UTF_16_pair()
    {
        byte[][] bad = [[0xC0, 0x80], [0xFF], [0xED, 0xA0, 0x80], [0xE2, 0x82], [0xF5, 0x80, 0x80, 0x80]];
        foreach (byte[] bytes in bad)
        {
            var content = new ByteArrayContent([.. """{"model":"m","prompt":"x"""u8, .. bytes, .. "\"}"u8]);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            await RefusedAsync(Completions, content, HttpStatusCode.BadRequest, "invalid_json");
        }

        await RefusedAsync(Completions, """{"model":"m","prompt":"\ud800"}""", HttpStatusCode.BadRequest, "invalid_json");
        await RefusedAsync(Completions, """{"model":"m","prompt":"x","\udfff":1}""", HttpStatusCode.BadRequest, "invalid_json");
        await RefusedAsync(Embeddings, """{"model":"e","input":["\udc00"]}""", HttpStatusCode.BadRequest, "invalid_json");
        await RefusedAsync(Chat, """{"model":"m","messages":[{"role":"user","content":"\ud83d"}]}""", HttpStatusCode.BadRequest, "invalid_json");

        // What is kept, and read when the prompt is made.
        await RefusedAsync(
            Chat, """{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","title":"\uD800"}}}]}""", HttpStatusCode.BadRequest, "invalid_json");
        await PostAsync(
            Chat, """{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":\"\\ud800\"}"}}]},{"role":"tool","tool_call_id":"c","content":"y"}]}""");
        await RefusedAsync(Chat, """{"model":"m","messages":[{"role":"user","content":"a\u0000b"}]}""", HttpStatusCode.BadRequest, "invalid_value");
        await AnswersAsync();
    }

    [Theory]
    [InlineData("nobody")]
    [InlineData("idle")]
    [InlineData("")]
    [InlineData("../../etc/passwd")]
    public async Task A_model_that_is_not_there(string name)
    {
        JsonElement error = await RefusedAsync(Completions, With(Request, "model", Quote(name)), HttpStatusCode.NotFound, "model_not_found", "model");
        Assert.Equal("invalid_request_error", error.GetProperty("type").GetString());
        await RefusedAsync(
            Chat, $$"""{"model":{{Quote(name)}},"messages":[{"role":"user","content":"x"}]}""", HttpStatusCode.NotFound, "model_not_found", "model");
        await RefusedAsync(Embeddings, $$"""{"model":{{Quote(name)}},"input":"x"}""", HttpStatusCode.NotFound, "model_not_found", "model");
        await AnswersAsync();
    }

    [Fact]
    public async Task Unknown_fields_where_they_are_refused()
    {
        foreach (bool strict in (bool[])[true, false])
        {
            Server.Strict = strict;
            await RefusedAsync(Completions, With(Request, new string('x', 1_000_000), "1"), HttpStatusCode.BadRequest, "unknown_parameter");
            string many = "{\"model\":\"m\"," + string.Join(',', Enumerable.Range(0, 500_000).Select(i => $"\"f{i}\":0")) + "}";
            await RefusedAsync(Completions, many, HttpStatusCode.BadRequest, "unknown_parameter");
            await RefusedAsync(Completions, """{"model":"m","model":"e","prompt":"x"}""", HttpStatusCode.BadRequest, "invalid_json");
        }

        Server.Strict = true;
        try
        {
            await RefusedAsync(Completions, With(Request, "temprature", "1"), HttpStatusCode.BadRequest, "unknown_parameter", "temprature");
            await RefusedAsync(Completions, With(Request, "Model", "null"), HttpStatusCode.BadRequest, "unknown_parameter", "Model");
            await RefusedAsync(
                Chat, """{"model":"m","stream":true,"stream_options":{"x":1},"messages":[{"role":"user","content":"x"}]}""", HttpStatusCode.BadRequest,
                "unknown_parameter", "stream_options.x");
            await RefusedAsync(
                Chat, """{"model":"m","messages":[{"role":"user","content":"x","mood":"good"}]}""", HttpStatusCode.BadRequest, "unknown_parameter",
                "messages[0].mood");
            await RefusedAsync(Embeddings, """{"model":"e","input":"x","mood":1}""", HttpStatusCode.BadRequest, "unknown_parameter", "mood");
        }
        finally
        {
            Server.Strict = false;
        }

        await AnswersAsync();
    }

    [Fact]
    public async Task Deep_JSON()
    {
        foreach (int depth in (int[])[81, 1_000_000])
        {
            string deep = new string('[', depth) + new string(']', depth);
            await RefusedAsync(Completions, With(Request, "prompt", deep), HttpStatusCode.BadRequest, "invalid_json");
            await RefusedAsync(Completions, deep, HttpStatusCode.BadRequest, "invalid_json");
            await RefusedAsync(Completions, new string('[', depth), HttpStatusCode.BadRequest, "invalid_json");
        }

        await AnswersAsync();
    }

    [Fact]
    public async Task A_grammar_a_million_parentheses_deep()
    {
        string grammar = Quote("root ::= " + new string('(', 1_000_000) + new string(')', 1_000_000));
        await RefusedAsync(Completions, With(Request, "grammar", grammar), HttpStatusCode.BadRequest, "invalid_value", "grammar");
        await RefusedAsync(
            Chat, $$"""{"model":"m","messages":[{"role":"user","content":"x"}],"grammar":{{grammar}}}""", HttpStatusCode.BadRequest,
            "invalid_value", "grammar");
        await AnswersAsync();
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"x\"")]
    [InlineData("{} {}")]
    [InlineData("{\"model\":\"m\",\"prompt\":\"x\",}")]
    public async Task What_is_no_JSON_object(string body)
    {
        foreach (string path in (string[])[Chat, Completions, Embeddings])
        {
            using HttpResponseMessage response = await Server.Http.PostAsync(path, Json(body));
            JsonElement error = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error");
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Contains(error.GetProperty("code").GetString(), (string[])["invalid_json", "invalid_type"]);
        }

        await AnswersAsync();
    }

    [Fact]
    public async Task Other_types_methods_and_addresses()
    {
        await RefusedAsync(Completions, new StringContent(Request), HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        await RefusedAsync("/v1/nothing", Request, HttpStatusCode.NotFound, "unknown_url");
        await RefusedAsync("/v1/models", Request, HttpStatusCode.NotFound, "unknown_url");
        using HttpResponseMessage response = await Server.Http.GetAsync(Completions);
        await ErrorAsync(response, HttpStatusCode.NotFound, "unknown_url");
    }
}
