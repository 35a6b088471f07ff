using System.Net;
using System.Text;
using System.Text.Json;
using VAI.Daemon.Streaming;

namespace VAI.Daemon.Tests.Admission;

/// <summary>Whoever waits for a stream in the queue is told so.</summary>
public sealed class StreamPatienceTests
{
    private const string OpenAi = "/v1/chat/completions";
    private const string Native = "/vai/sessions/1/infer";

    [Theory]
    [InlineData(OpenAi, """{"model":"m","stream":true}""")]
    [InlineData(OpenAi, """{"messages":[{"stream":false}],"stream":true,"x":{"stream":false}}""")]
    [InlineData(Native, "{}")]
    public async Task A_stream_has_its_head_after_a_second_and_a_comment_every_ten(string path, string body)
    {
        var time = new ManualTime();
        await using AdmissionHost host = await AdmissionHost.StartAsync(o => o.MaxActive = 1, time: time);
        Task<HttpResponseMessage> first = host.Local.PostAsync(OpenAi, new StringContent("first"));
        Computing computing = await host.NextAsync();
        using HttpResponseMessage waits = await WaitsAsync(host, time, path, body);
        Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (waits.StatusCode, waits.Content.Headers.ContentType?.MediaType));
        using var reader = new StreamReader(await waits.Content.ReadAsStreamAsync());
        Assert.Equal(": waiting", await reader.ReadLineAsync());
        for (int i = 0; i < 3; i++)
        {
            await time.WaitedForAsync(StreamPatience.Ping);
            time.Advance(StreamPatience.Ping);
            Assert.Equal("", await reader.ReadLineAsync());
            Assert.Equal(": ping", await reader.ReadLineAsync());
        }

        // Its body is there for whoever answers.
        computing.Done.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await first).StatusCode);
        Computing next = await host.NextAsync();
        Assert.Equal(body, next.Text);
        next.Done.SetResult();
        Assert.EndsWith("done " + body, await reader.ReadToEndAsync());
    }

    [Theory]
    [InlineData(OpenAi)]
    [InlineData(Native)]
    public async Task A_refusal_that_comes_later_is_an_event(string path)
    {
        var time = new ManualTime();
        await using AdmissionHost host = await AdmissionHost.StartAsync(o => o.MaxActive = 1, time: time);
        Task<HttpResponseMessage> first = host.Local.PostAsync(OpenAi, new StringContent("first"));
        Computing computing = await host.NextAsync();
        using HttpResponseMessage waits = await WaitsAsync(host, time, path, """{"stream":true}""");
        Task drained = host.Gate.DrainAsync();
        string[] lines = (await waits.Content.ReadAsStringAsync()).Split('\n');
        JsonElement said = JsonDocument.Parse(lines.Single(l => l.StartsWith("data: ", StringComparison.Ordinal))["data: ".Length..]).RootElement;
        if (path == OpenAi)
        {
            Assert.Contains("event: error", lines);
            Assert.Equal("shutting_down", said.GetProperty("error").GetProperty("code").GetString());
        }
        else
        {
            Assert.Equal(nameof(VaiError.DaemonUnavailable), said.GetProperty("error").GetProperty("code").GetString());
        }

        computing.Done.SetResult();
        await first;
        await drained;
    }

    [Theory]
    [InlineData("""{"stream":false}""")]
    [InlineData("""{"x":{"stream":true}}""")]
    [InlineData("no JSON")]
    [InlineData("""{"\ud800":1,"stream":true}""")]
    public async Task Who_wants_no_stream_has_a_status_of_its_own(string body)
    {
        var time = new ManualTime();
        await using AdmissionHost host = await AdmissionHost.StartAsync(o => o.MaxActive = 1, time: time);
        Task<HttpResponseMessage> first = host.Local.PostAsync(OpenAi, new StringContent("first"));
        Computing computing = await host.NextAsync();
        Task<HttpResponseMessage> waits = host.Local.PostAsync(OpenAi, Json(body));
        await host.WaitingAsync(1);
        await time.WaitedForAsync(StreamPatience.Head);
        time.Advance(StreamPatience.Head);
        Task drained = host.Gate.DrainAsync();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await waits).StatusCode);
        computing.Done.SetResult();
        await first;
        await drained;
    }

    /// <summary>Whatever it failed by: else as many of them as there are places would be the end of all work.</summary>
    [Fact]
    public async Task A_place_that_comes_when_its_request_has_failed_is_given_back()
    {
        await using AdmissionHost host = await AdmissionHost.StartAsync(o => o.MaxActive = 1, time: new NoTimers());
        Task<HttpResponseMessage> first = host.Local.PostAsync(OpenAi, new StringContent("first"));
        Computing computing = await host.NextAsync();
        using HttpResponseMessage failed = await host.Local.PostAsync(OpenAi, Json("{}"));
        Assert.Equal(HttpStatusCode.InternalServerError, failed.StatusCode);
        Assert.Equal(1, host.Gate.Waiting);
        computing.Done.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await first).StatusCode);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (host.Gate.Active > 0)
            await Task.Delay(10, limit.Token);
        Assert.Equal(0, host.Gate.Waiting);
    }

    private static async Task<HttpResponseMessage> WaitsAsync(AdmissionHost host, ManualTime time, string path, string body)
    {
        var message = new HttpRequestMessage(HttpMethod.Post, path) { Content = Json(body) };
        Task<HttpResponseMessage> waits = host.Local.SendAsync(message, HttpCompletionOption.ResponseHeadersRead);
        await host.WaitingAsync(1);
        await time.WaitedForAsync(StreamPatience.Head);
        Assert.False(waits.IsCompleted);
        time.Advance(StreamPatience.Head);
        return await waits;
    }

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    private sealed class NoTimers : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            throw new InvalidOperationException("There is none.");
    }
}
