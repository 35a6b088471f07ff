using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using VAI.Daemon.OpenAi;

namespace VAI.Daemon.Tests.OpenAi;

/// <summary>Streams that do not come to their end.</summary>
public sealed class StreamTests(OpenAiServer server) : OpenAiTest(server)
{
    [Fact]
    public async Task A_client_that_goes_away_ends_its_transaction()
    {
        using var gone = new Counted("vai.daemon.requests", "http.response.status_code", 499);
        int open = Server.Vai.Select("m").OpenSessions;
        await using (Stream stream = await OpenAsync(Server.Http, OpenAiServer.ContextLength - 50, 8))
        {
            await stream.ReadExactlyAsync(new byte[100]);
            stream.Close();
        }

        await gone.Task;
        Assert.Equal(open, Server.Vai.Select("m").OpenSessions);
        await AnswersAsync();
    }

    [Fact]
    public async Task A_reader_that_does_not_read_is_cut_off()
    {
        const int Context = 2048;
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
        await using IVai vai = await Server.LoadAsync(2048);
        await using WebApplication app = await OpenAiServer.StartAsync(vai, new OpenAiOptions(), k => k.Listen(IPAddress.Loopback, 0));
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        using var reader = new StreamReader(await OpenAsync(http, 2000, 8));
        Assert.StartsWith("data: {", await reader.ReadLineAsync());
        await vai.DisposeAsync();
        string[] events = (await reader.ReadToEndAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        string[] last = events[^1].Split('\n');
        Assert.Equal("event: error", last[0]);
        JsonElement error = JsonDocument.Parse(last[1]["data: ".Length..]).RootElement.GetProperty("error");
        Assert.Equal("shutting_down", error.GetProperty("code").GetString());
        Assert.Equal("server_error", error.GetProperty("type").GetString());
    }

    private static async Task<Stream> OpenAsync(HttpClient http, int tokens, int answers)
    {
        // One token over and over: no end of sequence comes in between.
        string request = $$$"""
            {"model":"m","prompt":[5],"max_tokens":{{{tokens}}},"n":{{{answers}}},"stream":true,"temperature":0,"logit_bias":{"1000":100}}
            """;
        using var message = new HttpRequestMessage(HttpMethod.Post, Completions) { Content = Json(request) };
        HttpResponseMessage response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsStreamAsync();
    }

    private static HttpClient OverSocket(string path) => new(new SocketsHttpHandler
    {
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
                if (instrument.Meter.Name == "VAI.Daemon" && instrument.Name == name)
                    listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
            {
                bool meant = tag is null;
                foreach ((string key, object? v) in tags)
                    meant |= key == tag && Equals(v, value);
                if (meant)
                    _counted.TrySetResult();
            });
            _listener.Start();
        }

        public Task Task => _counted.Task;

        public void Dispose() => _listener.Dispose();
    }
}
