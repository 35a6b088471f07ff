using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
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

    [Fact]
    public async Task A_place_that_comes_for_a_request_whose_wait_has_failed_goes_back()
    {
        var time = new NoTimers();
        await using AdmissionHost host = await AdmissionHost.StartAsync(o => o.MaxActive = 1, time: time);
        Task<HttpResponseMessage> first = host.Local.PostAsync(OpenAi, new StringContent("first"));
        Computing computing = await host.NextAsync();
        Task<HttpResponseMessage> fails = host.Local.PostAsync(OpenAi, Json("{}"));
        await time.Refused;
        computing.Done.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await first).StatusCode);
        Assert.Equal(HttpStatusCode.InternalServerError, (await fails).StatusCode);

        // One that had to wait would fail, too.
        Task<HttpResponseMessage> next = host.Local.PostAsync(OpenAi, new StringContent("next"));
        Task<Computing> let = host.NextAsync();
        await Task.WhenAny(next, let);
        Assert.False(next.IsCompleted);
        (await let).Done.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await next).StatusCode);
    }

    [Theory]
    [InlineData("""{"\ud800":1,"stream":true}""")]
    [InlineData("""{"stream":""")]
    public async Task What_no_document_is_asks_for_no_stream(string body)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(body);
        var http = new DefaultHttpContext();
        (http.Request.Path, http.Request.ContentType) = (OpenAi, "application/json");
        (http.Request.ContentLength, http.Request.Body) = (utf8.Length, new MemoryStream(utf8));
        Assert.False(await StreamRequest.IsWantedAsync(http));
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
        private readonly TaskCompletionSource _refused = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Ends once a timer was asked for.</summary>
        public Task Refused => _refused.Task;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _refused.TrySetResult();
            throw new InvalidOperationException("There are no timers here.");
        }
    }
}
