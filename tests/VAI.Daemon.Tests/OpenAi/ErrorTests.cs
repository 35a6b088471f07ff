using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using VAI.Daemon.OpenAi;

namespace VAI.Daemon.Tests.OpenAi;

/// <summary>The engine's errors as statuses and codes.</summary>
public sealed class ErrorTests(OpenAiServer server) : OpenAiTest(server)
{
    private const string Request = """{"model":"m","prompt":[5,6,7],"max_tokens":1}""";

    [Theory]
    [InlineData(VaiError.InvalidOption, 400, "invalid_value")]
    [InlineData(VaiError.NotSupported, 400, "unsupported")]
    [InlineData(VaiError.ContextFull, 400, "context_length_exceeded")]
    [InlineData(VaiError.UnknownModel, 404, "model_not_found")]
    [InlineData(VaiError.ModelNotLoaded, 404, "model_not_found")]
    [InlineData(VaiError.SessionBusy, 409, "busy")]
    [InlineData(VaiError.SramFull, 429, "sram_full")]
    [InlineData(VaiError.Overloaded, 429, "overloaded")]
    [InlineData(VaiError.ModelQuarantined, 503, "model_quarantined")]
    [InlineData(VaiError.EngineLost, 503, "engine_lost")]
    [InlineData(VaiError.DaemonUnavailable, 503, "engine_unavailable")]
    [InlineData(VaiError.DeadlineExceeded, 504, "deadline_exceeded")]
    public void Each_error_of_the_engine_has_its_status(VaiError code, int status, string name)
    {
        var error = ApiError.From(new VaiUsageException(code, "what, to what, what to do"));
        Assert.Equal((status, name, "what, to what, what to do"), (error.Status, error.Code, error.Message));
    }

    [Fact]
    public void Errors_of_nobody_do_not_show_what_they_say()
    {
        var error = ApiError.From(new InvalidDataException("secret"));
        Assert.Equal((500, "internal_error", "server_error"), (error.Status, error.Code, error.Type));
        Assert.DoesNotContain("secret", error.Message);
        Assert.Equal(500, ApiError.From(new VaiEngineException(VaiError.NativeFailure, "x")).Status);
        Assert.Equal(500, ApiError.From(new VaiModelException(VaiError.InvalidModel, "x")).Status);
    }

    [Theory]
    [InlineData("/chat/completions", "Did you mean /v1/chat/completions?")]
    [InlineData("/v1/v1/chat/completions", "Did you mean /v1/chat/completions?")]
    [InlineData("/completions/", "Did you mean /v1/completions?")]
    [InlineData("/models", "Did you mean /v1/models?")]
    [InlineData("/api/embeddings", "Did you mean /v1/embeddings?")]
    [InlineData("/nothing", "See /openapi.json.")]
    [InlineData("/", "See /openapi.json.")]
    public async Task An_address_that_there_is_not_has_a_body_and_a_hint(string path, string hint)
    {
        foreach (HttpMethod method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Post])
        {
            using var request = new HttpRequestMessage(method, path);
            using HttpResponseMessage response = await Server.Http.SendAsync(request);
            Assert.EndsWith(hint, (await ErrorAsync(response, HttpStatusCode.NotFound, "unknown_url")).GetProperty("message").GetString());
        }
    }

    [Fact]
    public async Task Messages_speak_no_NET()
    {
        string[] messages =
        [
            Text(await RefusedAsync(Completions, """{"model":"e","prompt":"x"}""", HttpStatusCode.BadRequest, "unsupported")),
            Text(await RefusedAsync(Embeddings, """{"model":"m","input":"x"}""", HttpStatusCode.BadRequest, "unsupported")),
            Text(await RefusedAsync(Completions, """{"model":"idle","prompt":"x"}""", HttpStatusCode.NotFound, "model_not_found")),
            Text(await RefusedAsync(Embeddings, """{"model":"e","input":[1,999999]}""", HttpStatusCode.BadRequest, "invalid_value")),
            Text(await RefusedAsync(
                Completions, With(Request, "prompt", JsonSerializer.Serialize(Enumerable.Repeat(5, OpenAiServer.ContextLength + 1))),
                HttpStatusCode.BadRequest, "context_length_exceeded")),
        ];
        Assert.All(messages, m => Assert.DoesNotMatch("Async|Length|Options|Tokens|Dispose|SramT|[a-z][A-Z]", m));

        static string Text(JsonElement error) => error.GetProperty("message").GetString()!;
    }

    [Fact]
    public async Task A_deadline_that_passed_is_a_504()
    {
        await using WebApplication app = await OpenAiServer.StartAsync(
            Server.Vai, new OpenAiOptions { Deadline = TimeSpan.FromTicks(1) }, k => k.Listen(IPAddress.Loopback, 0));
        using var http = new HttpClient();
        using HttpResponseMessage response = await http.PostAsync(app.Urls.First() + Completions, Json(Request));
        await ErrorAsync(response, HttpStatusCode.GatewayTimeout, "deadline_exceeded");
    }

    [Fact]
    public async Task A_bank_without_room_is_a_429_that_says_when_to_try_again()
    {
        await using IVai vai = await Server.LoadAsync(2048, sessions: 1);
        await using WebApplication app = await OpenAiServer.StartAsync(
            vai, new OpenAiOptions { SramWait = TimeSpan.Zero }, k => k.Listen(IPAddress.Loopback, 0));
        using var http = new HttpClient();

        // One that runs keeps its place; that of one whose reader stopped reading could be had.
        await using IInferenceSession holder = vai.Select("m").OpenSession(new SessionOptions { BufferedUpdates = 4096 });
        await using IAsyncEnumerator<InferenceUpdate> reader = holder.InferAsync(
            new[] { 5, 6 }, new InferenceOptions { LogitBias = new Dictionary<int, float> { [1000] = 100 } }).GetAsyncEnumerator();
        Assert.True(await reader.MoveNextAsync());
        using HttpResponseMessage response = await http.PostAsync(app.Urls.First() + Completions, Json(Request));
        await ErrorAsync(response, HttpStatusCode.TooManyRequests, "sram_full");
        Assert.Equal("1", response.Headers.RetryAfter?.ToString());
    }
}
