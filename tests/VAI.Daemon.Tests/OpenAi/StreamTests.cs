using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using VAI.Daemon.OpenAi;
using VAI.Daemon.Streaming;
using VAI.Daemon.Tests.Admission;
using VAI.Residency;

namespace VAI.Daemon.Tests.OpenAi;

/// <summary>Streams that do not come to their end.</summary>
public sealed class StreamTests(OpenAiServer server) : OpenAiTest(server)
{
    private const int Context = 2048;

    [Fact]
    public async Task A_client_that_goes_away_ends_its_transaction()
    {
        await using IVai vai = await Server.LoadAsync(Context);
        string socket = Server.NewFile("gone.sock");
        await using WebApplication app = await OpenAiServer.StartAsync(vai, new OpenAiOptions(), k => k.ListenUnixSocket(socket));
        using HttpClient http = OverSocket(socket);
        using (var gone = new Counted("vai.daemon.requests", "http.response.status_code", 499))
        {
            // More than the socket holds: the answer cannot have ended by then.
            await using (Stream stream = await OpenAsync(http, Context - 48, 8))
                await stream.ReadExactlyAsync(new byte[100]);
            await gone.Task;
        }

        Assert.Equal(0, vai.Select("m").OpenSessions);
        using (var gone = new Counted("vai.daemon.requests", "http.response.status_code", 499))
        {
            using var begun = new Counted("vai.step.rows");
            using var stop = new CancellationTokenSource();
            Task<HttpResponseMessage> answer = http.PostAsync(Completions, Json(Endless(Context - 48, 8, stream: false)), stop.Token);
            await begun.Task;
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
            await gone.Task;
        }

        Assert.Equal(0, vai.Select("m").OpenSessions);
        using HttpResponseMessage next = await http.PostAsync(Completions, Json("""{"model":"m","prompt":"x","max_tokens":1}"""));
        Assert.Equal(HttpStatusCode.OK, next.StatusCode);
    }

    [Fact]
    public async Task A_reader_that_does_not_read_is_cut_off()
    {
        await using IVai vai = await Server.LoadAsync(Context);
        string socket = Server.NewFile("slow.sock");
        await using WebApplication app = await OpenAiServer.StartAsync(
            vai, new OpenAiOptions { SlowReaderTimeout = TimeSpan.FromMilliseconds(100) }, k => k.ListenUnixSocket(socket));
        using var slow = new Counted("vai.daemon.slow_readers");
        using HttpClient http = OverSocket(socket);

        // Eight answers of 2,000 tokens are some megabytes; a Unix socket holds a fifth of one.
        await using Stream stream = await OpenAsync(http, Context - 48, 8);
        await slow.Task;
        string? read = null;
        try
        {
            read = await new StreamReader(stream).ReadToEndAsync();
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            // As it should be.
        }

        Assert.DoesNotContain("[DONE]", read ?? "");
        await app.StopAsync();
        Assert.Equal(0, vai.Select("m").OpenSessions);
    }

    [Fact]
    public async Task An_error_in_mid_stream_is_an_event_and_the_end()
    {
        await using IVai vai = await Server.LoadAsync(Context);
        await using WebApplication app = await OpenAiServer.StartAsync(vai, new OpenAiOptions(), k => k.Listen(IPAddress.Loopback, 0));
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        using var reader = new StreamReader(await OpenAsync(http, Context - 48, 8));
        Assert.StartsWith("data: {", await reader.ReadLineAsync());
        await vai.DisposeAsync();
        string[] events = (await reader.ReadToEndAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);

        // The error may be the next event after the first, whose end is still to be read.
        string[] last = events[^1].TrimStart('\n').Split('\n');
        Assert.Equal("event: error", last[0]);
        JsonElement error = JsonDocument.Parse(last[1]["data: ".Length..]).RootElement.GetProperty("error");
        Assert.Equal("shutting_down", error.GetProperty("code").GetString());
        Assert.Equal("server_error", error.GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("/v1/completions", true)]
    [InlineData("/v1/completions", false)]
    [InlineData("/v1/chat/completions", true)]
    public async Task What_the_daemon_does_not_wait_for_is_told_so(string path, bool stream)
    {
        await using IVai vai = await Server.LoadAsync(Context);
        using var ending = new CancellationTokenSource();
        await using WebApplication app = await OpenAiServer.StartAsync(
            vai, new OpenAiOptions { Ending = ending.Token }, k => k.Listen(IPAddress.Loopback, 0));
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        using var begun = new Counted("vai.step.rows");
        string request = Endless(Context - 64, 8, stream);
        if (path == Chat)
            request = With(request.Replace("\"prompt\":[5],", ""), "messages", """[{"role":"user","content":"x"}]""");
        using var message = new HttpRequestMessage(HttpMethod.Post, path) { Content = Json(request) };
        Task<HttpResponseMessage> asked = http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead);
        if (stream)
            await asked;
        await begun.Task;
        await ending.CancelAsync();
        using HttpResponseMessage response = await asked;
        string said = await response.Content.ReadAsStringAsync();
        if (stream)
        {
            string[] last = said.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[^1].Split('\n');
            Assert.Equal("event: error", last[0]);
            said = last[1]["data: ".Length..];
        }
        else
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        }

        Assert.Equal("shutting_down", JsonDocument.Parse(said).RootElement.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(0, vai.Select("m").OpenSessions);
    }

    [Fact]
    public async Task Until_the_first_token_a_stream_says_that_it_is_alive()
    {
        await using IVai vai = await Server.LoadAsync(256, sessions: 1);
        var time = new ManualTime();
        await using WebApplication app = await OpenAiServer.StartAsync(
            vai, new OpenAiOptions(), k => k.Listen(IPAddress.Loopback, 0), services: s => s.AddSingleton<TimeProvider>(time));
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };

        // No step is made meanwhile.
        using var hold = new ManualResetEventSlim();
        Task held = ((ModelContext)vai.Select("m")).Pipeline.InvokeAsync(() => hold.Wait(TimeSpan.FromMinutes(1)));
        using var message = new HttpRequestMessage(HttpMethod.Post, Completions)
        {
            Content = Json("""{"model":"m","prompt":"x","max_tokens":2,"stream":true,"foo":1}"""),
        };
        Task<HttpResponseMessage> asked = http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead);
        await time.WaitedForAsync(StreamPatience.Head);
        time.Advance(StreamPatience.Head);
        using HttpResponseMessage response = await asked;
        Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.Equal("foo", Assert.Single(response.Headers.GetValues("x-vai-ignored")));
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal(": waiting", await reader.ReadLineAsync());
        Assert.Equal("", await reader.ReadLineAsync());
        await time.WaitedForAsync(StreamPatience.Ping);
        time.Advance(StreamPatience.Ping);
        Assert.Equal(": ping", await reader.ReadLineAsync());
        hold.Set();
        await held;
        string rest = await reader.ReadToEndAsync();
        Assert.StartsWith("\ndata: {", rest);
        Assert.EndsWith("data: [DONE]\n\n", rest);
    }

    private static async Task<Stream> OpenAsync(HttpClient http, int tokens, int answers)
    {
        string request = Endless(tokens, answers, stream: true);
        using var message = new HttpRequestMessage(HttpMethod.Post, Completions) { Content = Json(request) };
        HttpResponseMessage response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsStreamAsync();
    }

    // One token over and over: no end of sequence comes in between.
    private static string Endless(int tokens, int answers, bool stream) =>
        $$$"""
        {"model":"m","prompt":[5],"max_tokens":{{{tokens}}},"n":{{{answers}}},"stream":{{{(stream ? "true" : "false")}}},"temperature":0,
         "logit_bias":{"1000":100}}
        """;

    private static HttpClient OverSocket(string path) => new(new SocketsHttpHandler
    {
        MaxResponseDrainSize = 0,
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { BaseAddress = new Uri("http://vai") };

    /// <summary>Ends when an instrument of the daemon has counted.</summary>
    private sealed class Counted : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly TaskCompletionSource _counted = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Counted(string name, string? tag = null, object? value = null)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name is "VAI" or "VAI.Daemon" && instrument.Name == name)
                    listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((_, _, tags, _) => Take(tags));
            _listener.SetMeasurementEventCallback<int>((_, _, tags, _) => Take(tags));
            _listener.Start();

            void Take(ReadOnlySpan<KeyValuePair<string, object?>> tags)
            {
                bool meant = tag is null;
                foreach ((string key, object? v) in tags)
                    meant |= key == tag && Equals(v, value);
                if (meant)
                    _counted.TrySetResult();
            }
        }

        public Task Task => _counted.Task;

        public void Dispose() => _listener.Dispose();
    }
}
