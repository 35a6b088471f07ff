using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using System.Text;
using System.Text.Json;
using VAI.Daemon.Metrics;

namespace VAI.Daemon.Tests.Admission;

public sealed class AdmissionTests
{
    private const string OpenAi = "/v1/chat/completions";
    private const string Native = "/vai/sessions/1/infer";

    [Fact]
    public async Task A_key_is_needed_on_tcp_and_not_on_the_socket()
    {
        await using AdmissionHost host = await AdmissionHost.StartAsync(keys: ["# ours", "", "first-key", "second-key"]);
        foreach (HttpClient refused in (HttpClient[])[host.Tcp(), host.Tcp("third-key"), host.Tcp("# ours"), host.Tcp(new string('x', 9000)), host.Tcp("", "X-API-Key")])
        {
            using HttpResponseMessage response = await refused.PostAsync(OpenAi, new StringContent("x"));
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
            JsonElement error = (await JsonAsync(response)).GetProperty("error");
            Assert.Equal(("invalid_request_error", "invalid_api_key"), (error.GetProperty("type").GetString(), error.GetProperty("code").GetString()));
            using HttpResponseMessage native = await refused.GetAsync("/vai/status");
            Assert.Equal((HttpStatusCode.Unauthorized, "usage"), (native.StatusCode, (await JsonAsync(native)).GetProperty("kind").GetString()));
        }

        foreach (HttpClient admitted in (HttpClient[])[host.Tcp("first-key"), host.Tcp("second-key"), host.Tcp("second-key", "X-API-Key"), host.Local])
        {
            Task<HttpResponseMessage> asked = admitted.PostAsync(OpenAi, new StringContent("x"));
            (await host.NextAsync()).Done.SetResult();
            Assert.Equal(HttpStatusCode.OK, (await asked).StatusCode);
        }
    }

    [Fact]
    public async Task Too_large_a_body_is_413_whether_its_length_is_told_or_not()
    {
        await using AdmissionHost host = await AdmissionHost.StartAsync(o =>
        {
            o.MaxBodyBytes = 1000;
            o.BodyLimits["/free"] = 2000;
        });
        foreach (HttpClient client in (HttpClient[])[host.Local, host.Tcp()])
        {
            foreach (bool told in (bool[])[true, false])
            {
                using HttpResponseMessage response = await client.SendAsync(Post(OpenAi, 1001, told));
                Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
                Assert.Equal("request_too_large", (await JsonAsync(response)).GetProperty("error").GetProperty("code").GetString());
                using HttpResponseMessage native = await host.Local.SendAsync(Post(Native, 1001, told));
                Assert.Equal(HttpStatusCode.RequestEntityTooLarge, native.StatusCode);
                Assert.Equal(nameof(VaiError.InvalidOption), (await JsonAsync(native)).GetProperty("code").GetString());
                Assert.Equal(HttpStatusCode.OK, (await client.SendAsync(Post("/free", 1001, told))).StatusCode);
                Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await client.SendAsync(Post("/free", 2001, told))).StatusCode);
            }
        }

        foreach (bool told in (bool[])[true, false])
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await host.Local.SendAsync(Post(OpenAi, 100_000_000, told))).StatusCode);
        Assert.Equal((0, 0), (host.Gate.Active, host.Gate.Waiting));
    }

    [Fact]
    public async Task One_too_many_is_429_and_the_others_are_answered()
    {
        await using AdmissionHost host = await AdmissionHost.StartAsync(o =>
        {
            o.MaxActive = 1;
            o.MaxWaiting = 8;
        });
        List<Task<HttpResponseMessage>> asked = [host.Local.PostAsync(Native, new StringContent("0"))];
        Computing first = await host.NextAsync();
        for (int i = 1; i <= 2; i++)
        {
            asked.Add(host.Local.PostAsync(Native, new StringContent($"{i}")));
            await host.WaitingAsync(i);
        }

        foreach (string path in (string[])[OpenAi, "/v1/completions", "/v1/embeddings", Native])
        {
            using HttpResponseMessage refused = await host.Local.PostAsync(path, new StringContent("x"));
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
            JsonElement json = await JsonAsync(refused);
            if (path == Native)
                Assert.Equal(nameof(VaiError.Overloaded), json.GetProperty("code").GetString());
            else
                Assert.Equal("rate_limit_exceeded", json.GetProperty("error").GetProperty("code").GetString());
        }

        Assert.Equal(HttpStatusCode.OK, (await host.Local.PostAsync("/free", new StringContent("x"))).StatusCode);
        first.Done.SetResult();
        for (int i = 1; i <= 2; i++)
            (await host.NextAsync()).Done.SetResult();
        for (int i = 0; i <= 2; i++)
            Assert.Equal($"done {i}", await (await asked[i]).Content.ReadAsStringAsync());
        Assert.Equal((0, 0), (host.Gate.Active, host.Gate.Waiting));
    }

    [Fact]
    public async Task Clients_take_turns_however_many_requests_one_has()
    {
        await using AdmissionHost host = await AdmissionHost.StartAsync(o => o.MaxActive = 1, keys: ["many", "few"]);
        HttpClient many = host.Tcp("many"), few = host.Tcp("few");
        List<Task<HttpResponseMessage>> asked = [many.PostAsync(OpenAi, new StringContent("many"))];
        Computing next = await host.NextAsync();
        for (int i = 0; i < 20; i++)
            asked.Add(many.PostAsync(OpenAi, new StringContent("many")));
        await host.WaitingAsync(20);
        for (int i = 0; i < 3; i++)
            asked.Add(few.PostAsync(OpenAi, new StringContent("few")));
        asked.Add(host.Local.PostAsync(OpenAi, new StringContent("local")));
        await host.WaitingAsync(24);
        List<string> order = [];
        for (int i = 0; i < 24; i++)
        {
            next.Done.SetResult();
            next = await host.NextAsync();
            order.Add(next.Text);
        }

        next.Done.SetResult();
        await Task.WhenAll(asked);
        Assert.Equal(["few", "few", "few", "local", "many", "many", "many"], order.Take(7).Order());
        Assert.All(order.Skip(7), o => Assert.Equal("many", o));
        Assert.True(order.IndexOf("local") <= 2 && order.IndexOf("few") <= 2, string.Join(' ', order));
    }

    [Fact]
    public async Task A_client_of_the_socket_is_its_user_and_process()
    {
        await using AdmissionHost host = await AdmissionHost.StartAsync();
        string user = File.ReadLines("/proc/self/status").First(l => l.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[2];
        for (int i = 0; i < 2; i++)
            Assert.Equal($"uid:{user} pid:{Environment.ProcessId}", await host.Local.GetStringAsync("/free"));
        Assert.Equal("address:127.0.0.1", await host.Tcp().GetStringAsync("/free"));
    }

    [Fact]
    public async Task What_is_done_is_counted()
    {
        var counts = new ConcurrentDictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == DaemonMeter.Name && instrument.Name.StartsWith("vai.requests.", StringComparison.Ordinal))
                l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => counts.AddOrUpdate(instrument.Name, value, (_, v) => v + value));
        listener.Start();
        await using AdmissionHost host = await AdmissionHost.StartAsync(o =>
        {
            o.MaxActive = 1;
            o.MaxWaiting = 4;
        });
        Task<HttpResponseMessage> first = host.Local.PostAsync(OpenAi, new StringContent("first"));
        Computing computing = await host.NextAsync();
        Task<HttpResponseMessage> second = host.Local.PostAsync(OpenAi, new StringContent("second"));
        await host.WaitingAsync(1);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await host.Local.PostAsync(OpenAi, new StringContent("third"))).StatusCode);
        computing.Done.SetResult();
        (await host.NextAsync()).Done.SetResult();
        await Task.WhenAll(first, second);
        await host.Gate.DrainAsync();
        Assert.Equal(
            "active=0 admitted=2 queued=1 refused=1 waiting=0",
            string.Join(' ', counts.OrderBy(c => c.Key).Select(c => $"{c.Key.Replace("vai.requests.", "")}={c.Value}")));
    }

    [Fact]
    public async Task Who_goes_away_leaves_the_queue_at_once()
    {
        await using AdmissionHost host = await AdmissionHost.StartAsync(o => o.MaxActive = 1);
        Task<HttpResponseMessage> first = host.Local.PostAsync(OpenAi, new StringContent("first"));
        Computing computing = await host.NextAsync();
        using var gone = new CancellationTokenSource();
        Task<HttpResponseMessage> second = host.Local.PostAsync(OpenAi, new StringContent("second"), gone.Token);
        await host.WaitingAsync(1);
        gone.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        await host.WaitingAsync(0);
        Assert.Equal(1, host.Gate.Active);
        computing.Done.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await first).StatusCode);
    }

    [Fact]
    public async Task While_it_drains_what_computes_is_finished_and_the_rest_is_503()
    {
        await using AdmissionHost host = await AdmissionHost.StartAsync(o => o.MaxActive = 1);
        Task<HttpResponseMessage> first = host.Local.PostAsync(OpenAi, new StringContent("first"));
        Computing computing = await host.NextAsync();
        Task<HttpResponseMessage> waits = host.Local.PostAsync(Native, new StringContent("waits"));
        await host.WaitingAsync(1);
        Task drained = host.Gate.DrainAsync();
        foreach (HttpResponseMessage refused in (HttpResponseMessage[])[await waits, await host.Local.PostAsync(Native, new StringContent("late"))])
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.True(refused.Headers.RetryAfter!.Delta > TimeSpan.Zero);
            Assert.Equal(nameof(VaiError.DaemonUnavailable), (await JsonAsync(refused)).GetProperty("code").GetString());
        }

        Assert.False(drained.IsCompleted);
        computing.Done.SetResult();
        await drained;
        Assert.Equal("done first", await (await first).Content.ReadAsStringAsync());
    }

    private static HttpRequestMessage Post(string path, int bytes, bool told)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new ByteArrayContent(Encoding.ASCII.GetBytes(new string('x', bytes))),
        };
        request.Headers.TransferEncodingChunked = !told;
        return request;
    }

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage response)
    {
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return document.RootElement.Clone();
    }
}
