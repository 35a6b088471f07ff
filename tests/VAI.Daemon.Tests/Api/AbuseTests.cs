using System.Net;
using System.Text;
using System.Text.Json;
using VAI.Daemon.Api;
using VAI.Remote;
using VAI.Remote.Wire;

namespace VAI.Daemon.Tests.Api;

/// <summary>Bodies that no client of ours sends: each is answered, and the API goes on.</summary>
[Collection(ApiCollection.Name)]
public sealed class AbuseTests(ForgedModels models)
{
    [Theory]
    [InlineData("sessions/s/infer", "", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", "null", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", "{", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", "[1]", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", """{"text":"x","nonsense":1}""", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", """{"text":"\ud800"}""", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", """{"text":"x","tokens":[1]}""", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", "{}", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", """{"text":"x"}""", 404, "UnknownSession")]
    [InlineData("sessions/s/infer", """{"text":"x","open":{"model":"nobody"}}""", 404, "UnknownModel")]
    [InlineData("sessions/s/infer", """{"text":"x","open":{}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", """{"text":"x","open":{"model":null}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", """{"tokens":[99999],"open":{"model":"m"}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", """{"tokens":[-1],"open":{"model":"m"}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", """{"tokens":[1],"generated":[2],"open":{"model":"m"}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", """{"tokens":[],"open":{"model":"m"}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", """{"text":"x","options":{"temperature":"NaN"},"open":{"model":"m"}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", """{"text":"x","options":{"temperature":"Infinity"},"open":{"model":"m"}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", """{"text":"x","options":{"topK":2147483648},"open":{"model":"m"}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", """{"text":"x","options":{"stop":[null]},"open":{"model":"m"}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", """{"text":"x","open":{"model":"m","state":{"log":null,"committed":0}}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", """{"text":"x","open":{"model":"m","state":{"log":[1],"committed":2}}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", """{"text":"x","open":{"model":"m","state":{"log":[-2147483648],"committed":0}}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/infer", """{"text":"x","open":{"model":"m","client":"a b"}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/fork", """{"open":{"model":"m"}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/fork", """{"child":"s","open":{"model":"m"}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/fork", """{"child":"../x","open":{"model":"m"}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/save", """{"open":{"model":"m"}}""", 400, "NotSupported")]
    [InlineData("sessions/s/save", """{"path":"/tmp/x","open":{"model":"m"}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/save", """{"name":"../x","open":{"model":"m"}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/save", """{"name":".x","open":{"model":"m"}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/save", """{"name":"","open":{"model":"m"}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/commit", """{"name":"x","open":{"model":"m"}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/open", """{"model":"m","path":"/nowhere"}""", 400, "InvalidOption")]
    [InlineData("sessions/s/open", """{"model":"m","saved":"/nowhere"}""", 400, "InvalidOption")]
    [InlineData("sessions/s/open", """{"model":"m","saved":"nowhere"}""", 404, "FileNotFound")]
    [InlineData("sessions/s/open", """{"model":"m","saved":"x","state":{"log":[],"committed":0}}""", 400, "InvalidOption")]
    [InlineData("sessions/s/restore", "x", 400, "InvalidOption")]
    [InlineData("sessions/a.b/open", """{"model":"m"}""", 400, "InvalidOption")]
    [InlineData("sessions/s/commit", "", 404, "UnknownSession")]
    [InlineData("models/load", "{}", 400, "InvalidOption")]
    [InlineData("models/load", """{"name":"nobody"}""", 404, "UnknownModel")]
    [InlineData("models/load", """{"model":{"name":"x"}}""", 400, "InvalidOption")]
    [InlineData("models/load", """{"model":{"name":"x","file":"/nowhere.gguf"}}""", 404, "FileNotFound")]
    [InlineData("models/unload", """{"name":"nobody"}""", 404, "UnknownModel")]
    [InlineData("models/tokenize", """{"model":"m"}""", 400, "InvalidOption")]
    [InlineData("models/detokenize", """{"model":"m","tokens":[2048]}""", 400, "InvalidOption")]
    [InlineData("models/chat", """{"model":"m","turns":[null]}""", 400, "InvalidOption")]
    [InlineData("models/embed", """{"model":"m","inputs":[{"text":"x"}]}""", 400, "NotSupported")]
    public async Task It_is_answered(string path, string body, int status, string code)
    {
        await using Rig rig = await StartAsync();
        using HttpResponseMessage answer = await rig.Http.PostAsync($"http://vai/vai/{path}", new StringContent(body));
        WireError error = await ErrorAsync(answer);
        Assert.Equal((HttpStatusCode)status, answer.StatusCode);
        Assert.Equal(code, error.Code);
        Assert.NotEmpty(error.Message);
        await rig.WorksAsync();
    }

    [Fact]
    public async Task Too_deep_too_long_and_no_text_at_all()
    {
        await using Rig rig = await StartAsync();
        foreach (byte[] body in new[]
        {
            Encoding.UTF8.GetBytes("{\"text\":" + new string('[', 1_000_000)),
            [.. "{\"text\":\""u8, 0xFF, 0xFE, .. "\"}"u8],
            Encoding.UTF8.GetBytes("{\"text\":\"" + new string('x', 17 << 20) + "\",\"open\":{\"model\":\"m\"}}"),
        })
        {
            using HttpResponseMessage answer = await rig.Http.PostAsync("http://vai/vai/sessions/s/infer", new ByteArrayContent(body));
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            await ErrorAsync(answer);
        }

        // Refused by its length alone.
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://vai/vai/sessions/s/infer")
        {
            Content = new ByteArrayContent(new byte[ApiJson.MaxBody + 1]),
        };
        request.Headers.ExpectContinue = true;
        using HttpResponseMessage refused = await rig.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
        await rig.WorksAsync();
    }

    [Fact]
    public async Task Options_that_are_not_given_have_their_defaults()
    {
        var options = JsonSerializer.Deserialize("""{"maxTokens":3}""", ApiJson.TypeOf<InferenceOptions>());
        Assert.Equal(new InferenceOptions { MaxTokens = 3 }, options);
        Assert.Equal(new SessionOptions(), JsonSerializer.Deserialize("{}", ApiJson.TypeOf<SessionOptions>()));
        Assert.Equal(
            new ModelOptions { Name = "x", File = "y" },
            JsonSerializer.Deserialize("""{"name":"x","file":"y"}""", ApiJson.TypeOf<ModelOptions>()));
        await using Rig rig = await StartAsync();
        using HttpResponseMessage answer = await rig.Http.PostAsync(
            "http://vai/vai/sessions/s/infer", new StringContent("""{"text":"x","options":{"maxTokens":3},"open":{"model":"m"}}"""));
        Assert.Contains("\"generatedTokens\":3", await answer.Content.ReadAsStringAsync());
    }

    private static async Task<WireError> ErrorAsync(HttpResponseMessage answer) =>
        JsonSerializer.Deserialize(await answer.Content.ReadAsByteArrayAsync(), WireJson.Default.WireError)!;

    private async Task<Rig> StartAsync()
    {
        string socket = models.NewFile("sock");
        IVai engine = ApiHost.Engine(models, o => o.AddModel("m", models["tiny"], m => m.Profile = RomProfile.None));
        await engine.LoadAsync("m");
        return new Rig(await ApiHost.StartAsync(socket, engine), socket);
    }

    private sealed class Rig(ApiHost host, string socket) : IAsyncDisposable
    {
        public HttpClient Http { get; } = new(new SocketsHttpHandler
        {
            ConnectCallback = (_, t) => new SocketEndpoint(socket, default).ConnectAsync(t),
            Expect100ContinueTimeout = TimeSpan.FromMinutes(1),
        });

        public async Task WorksAsync() => Assert.Contains("\"m\"", await Http.GetStringAsync("http://vai/vai/models"));

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            await host.DisposeAsync();
        }
    }
}
