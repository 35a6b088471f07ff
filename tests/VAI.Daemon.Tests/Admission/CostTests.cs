using System.Diagnostics;
using System.Net;
using System.Text;
using FsCheck.Xunit;
using Microsoft.AspNetCore.Http;
using VAI.Daemon.Admission;

namespace VAI.Daemon.Tests.Admission;

/// <summary>A request takes as many places as it is work.</summary>
public sealed class CostTests
{
    [Theory]
    [InlineData("/v1/chat/completions", "{}", 1)]
    [InlineData("/v1/chat/completions", """{"messages":[{"n":9}],"n":8}""", 8)]
    [InlineData("/v1/chat/completions", """{"n":-3}""", 1)]
    [InlineData("/v1/chat/completions", """{"n":"8"}""", 1)]
    [InlineData("/v1/completions", """{"prompt":["a","b","c"],"n":4}""", 12)]
    [InlineData("/v1/completions", """{"n":2,"prompt":[[1,2,3],[4]]}""", 4)]
    [InlineData("/v1/completions", """{"n":2,"prompt":[1,2,3,4]}""", 2)]
    [InlineData("/v1/completions", """{"n":2,"prompt":"text"}""", 2)]
    [InlineData("/v1/completions/", """{"n":2,"prompt":[]}""", 2)]
    [InlineData("/v1/completions", """{"n":2147483647,"prompt":["a","b"]}""", int.MaxValue)]
    [InlineData("/v1/completions", "[1", 1)]
    [InlineData("/v1/completions", """{"n":3,"prompt":[1""", 1)]
    [InlineData("/v1/completions", "", 1)]
    [InlineData("/v1/embeddings", """{"input":["a","b"]}""", 1)]
    [InlineData("/V1/EMBEDDINGS", """{"input":"a"}""", 1)]
    [InlineData("/vai/models/embed", """{"inputs":[{"text":"a"},{"tokens":[1]}]}""", 1)]
    [InlineData("/vai/sessions/1/infer", """{"n":8}""", 1)]
    public void Answers_count(string path, string body, int cost) => Assert.Equal(cost, Cost(path, body));

    [Fact]
    public void Texts_and_bytes_count()
    {
        Assert.Equal(64, Cost("/v1/embeddings", $"{{\"input\":[{string.Join(',', Enumerable.Repeat("\"\"", 2048))}]}}"));
        Assert.Equal(2, Cost("/vai/models/embed", $"{{\"inputs\":[{string.Join(',', Enumerable.Repeat("{}", 33))}]}}"));
        Assert.Equal(1 + 4, Cost("/vai/models/tokenize", new string('x', 1 << 18)));
        Assert.Equal(2 + 4, Cost("/v1/completions", $$"""{"n":2,"prompt":"{{new string('x', 1 << 18)}}"}"""));
        Assert.Equal(1, Cost("/vai/sessions/1/restore", new string('x', 1 << 20)));
    }

    [Fact]
    public void One_prompt_however_long_leaves_others_their_places()
    {
        var options = new AdmissionOptions();
        Assert.InRange(Cost("/v1/completions", $$"""{"prompt":"{{new string('x', (int)options.MaxBodyBytes - 20)}}"}"""), 2, options.Share.Active);
    }

    [Theory]
    [InlineData("GET", "/vai/sessions", "None")]
    [InlineData("DELETE", "/vai/sessions/1", "None")]
    [InlineData("POST", "/v1/chat/completions", "Compute")]
    [InlineData("POST", "/v1/anything", "Compute")]
    [InlineData("POST", "/vai/sessions/1/infer", "Compute")]
    [InlineData("POST", "/vai/sessions/1/rebuild/", "Compute")]
    [InlineData("POST", "/VAI/models/EMBED", "Compute")]
    [InlineData("POST", "/vai/models/tokenize", "Text")]
    [InlineData("POST", "/vai/models/detokenize", "Text")]
    [InlineData("POST", "/vai/models/chat", "Text")]
    [InlineData("POST", "/vai/models/load", "Files")]
    [InlineData("POST", "/vai/models/plan", "Files")]
    [InlineData("POST", "/vai/sessions/1/save", "Files")]
    [InlineData("POST", "/vai/sessions/1/restore", "Files")]
    [InlineData("POST", "/vai/sessions/1/open", "Session")]
    [InlineData("POST", "/vai/sessions/1/fork", "Session")]
    [InlineData("POST", "/vai/a-verb-of-a-later-version", "Session")]
    public void Everything_that_reaches_an_engine_has_its_kind(string method, string path, string kind)
    {
        HttpRequest request = Request(path);
        request.Method = method;
        Assert.Equal(kind, Work.KindOf(request).ToString());
    }

    [Fact]
    public async Task What_is_dearer_than_a_share_waits_until_its_client_has_nothing_else()
    {
        var queue = new FairQueue(new AdmissionOptions { MaxActive = 8, MaxActivePerClient = 2, MaxActiveBesideOthers = 2 });
        Assert.Equal(Entry.Admitted, await queue.EnterAsync("a"));
        Task<Entry> dear = queue.EnterAsync("a", 5).AsTask();
        Task<Entry> behind = queue.EnterAsync("a").AsTask();
        Assert.Equal((1, 2), (queue.Active, queue.Waiting));
        Assert.Equal(Entry.Admitted, await queue.EnterAsync("b"));
        queue.Leave("a", Stopwatch.GetTimestamp());
        Assert.Equal(Entry.Admitted, await dear);
        Assert.Equal(6, queue.Active);
        Assert.False(behind.IsCompleted);
        queue.Leave("a", Stopwatch.GetTimestamp(), 5);
        Assert.Equal(Entry.Admitted, await behind);
        Assert.Equal(2, queue.Active);
    }

    [Fact]
    public async Task What_is_dearer_than_all_places_is_served_alone_and_nobody_passes_it()
    {
        var queue = new FairQueue(new AdmissionOptions { MaxActive = 4, MaxActivePerClient = 4, MaxActiveBesideOthers = 4, MaxWaiting = 100, MaxWaitingPerClient = 50 });
        for (int i = 0; i < 4; i++)
            Assert.Equal(Entry.Admitted, await queue.EnterAsync("cheap"));
        Task<Entry> dear = queue.EnterAsync("dear", 1000).AsTask();
        List<Task<Entry>> cheap = [.. Enumerable.Range(0, 20).Select(_ => queue.EnterAsync("cheap").AsTask())];
        int left = 0;
        while (!dear.IsCompleted)
        {
            queue.Leave("cheap", Stopwatch.GetTimestamp());
            left++;
        }

        // It gave way to as many as it has places itself, at most.
        Assert.InRange(left, 4, 8);
        Assert.Equal(4, queue.Active);
        Assert.False(queue.EnterAsync("other").AsTask().IsCompleted);
        queue.Leave("dear", Stopwatch.GetTimestamp(), 1000);
        Assert.Equal(4, queue.Active);
        Assert.Equal(20, cheap.Count);
    }

    /// <summary>Random costs, ends and cancellations; FsCheck prints the seed of a failure.</summary>
    [Property(MaxTest = 200)]
    public void Places_are_never_more_than_there_are_and_nobody_waits_for_ever(int seed)
    {
        var random = new Random(seed);
        var options = new AdmissionOptions { MaxActive = random.Next(1, 9), MaxWaiting = 64, MaxWaitingPerClient = 64 };
        var queue = new FairQueue(options);
        List<(string Client, int Cost, Task<Entry> Entry, CancellationTokenSource Cancellation)> all = [];
        for (int i = 0; i < 400; i++)
        {
            int what = random.Next(5);
            if (what < 3)
            {
                (string client, int cost) = ("client " + random.Next(4), random.Next(4) == 0 ? random.Next(1, 20) : 1);
                var cancellation = new CancellationTokenSource();
                all.Add((client, cost, queue.EnterAsync(client, cost, cancellation.Token).AsTask(), cancellation));
            }
            else if (what == 3 && all.Count > 0)
            {
                all[random.Next(all.Count)].Cancellation.Cancel();
            }
            else
            {
                LeaveOne();
            }

            Check();
        }

        // Whoever is left is served as the others leave.
        while (queue.Active > 0)
        {
            LeaveOne();
            Check();
        }

        Assert.Equal((0, 0, 0), (queue.Active, queue.Waiting, queue.Clients));

        void Check()
        {
            all.RemoveAll(a => a.Entry.IsCanceled || (a.Entry.IsCompletedSuccessfully && a.Entry.Result != Entry.Admitted));
            Assert.InRange(queue.Active, 0, options.MaxActive);
            Assert.True(queue.Active > 0 || queue.Waiting == 0, "Somebody waits and nobody has a place.");
        }

        void LeaveOne()
        {
            // Answers come by themselves, on other threads.
            SpinWait.SpinUntil(() => queue.Active == 0 || all.Any(a => a.Entry.IsCompletedSuccessfully));
            int at = all.FindIndex(a => a.Entry.IsCompletedSuccessfully && a.Entry.Result == Entry.Admitted);
            if (at < 0)
                return;
            queue.Leave(all[at].Client, Stopwatch.GetTimestamp(), all[at].Cost);
            all.RemoveAt(at);
        }
    }

    [Fact]
    public async Task The_gate_asks_for_what_the_body_says()
    {
        await using AdmissionHost host = await AdmissionHost.StartAsync(o => (o.MaxActive, o.MaxActivePerClient, o.MaxActiveBesideOthers) = (16, 16, 16));
        Task<HttpResponseMessage> asked = host.Local.PostAsync("/v1/completions", new StringContent("""{"prompt":["a","b","c"],"n":4}"""));
        Computing first = await host.NextAsync();
        Assert.Equal(12, host.Gate.Active);
        Task<HttpResponseMessage> other = host.Local.PostAsync("/v1/completions", new StringContent("""{"prompt":["a","b","c"],"n":4}"""));
        await host.WaitingAsync(1);
        first.Done.SetResult();
        Computing second = await host.NextAsync();
        Assert.Equal((12, 0), (host.Gate.Active, host.Gate.Waiting));
        second.Done.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await asked).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await other).StatusCode);
        Assert.Equal((0, 0L), (host.Gate.Active, host.Gate.HeldBytes));
    }

    [Fact]
    public async Task A_flood_of_texts_stops_no_stream_and_is_served_in_the_end()
    {
        const int Texts = 300;
        await using AdmissionHost host = await AdmissionHost.StartAsync();
        Task<HttpResponseMessage>[] flood = [.. Enumerable.Range(0, Texts).Select(_ => host.Local.PostAsync("/vai/models/tokenize", new StringContent("text")))];
        int places = Math.Max(2, Environment.ProcessorCount);
        List<Computing> running = [];
        for (int i = 0; i < places; i++)
            running.Add(await host.NextAsync());

        // As many as that, and no more, while streams come and go.
        for (int i = 0; i < 20; i++)
        {
            Task<HttpResponseMessage> stream = host.Local.PostAsync("/v1/completions", new StringContent("stream"));
            Computing computing = await host.NextAsync();
            Assert.Equal("stream", computing.Text);
            computing.Done.SetResult();
            Assert.Equal(HttpStatusCode.OK, (await stream).StatusCode);
        }

        foreach (Computing text in running)
            text.Done.SetResult();
        for (int i = places; i < Texts; i++)
            (await host.NextAsync()).Done.SetResult();
        Assert.All(await Task.WhenAll(flood), r => Assert.Equal(HttpStatusCode.OK, r.StatusCode));
        Assert.Equal(0, host.Gate.HeldBytes);
    }

    [Fact]
    public async Task Bodies_that_wait_are_bounded_and_what_is_beyond_is_refused()
    {
        const int Body = 100_000;
        await using AdmissionHost host = await AdmissionHost.StartAsync(o =>
        {
            (o.MaxActive, o.MaxWaiting, o.MaxWaitingPerClient) = (1, 100, 100);
            o.MaxHeldBytes = 8 * Body;
        });
        string large = new('x', Body);
        Task<HttpResponseMessage> first = host.Local.PostAsync("/v1/completions", new StringContent("first"));
        Computing computing = await host.NextAsync();

        // A client's quarter has room for one of them.
        Task<HttpResponseMessage> waits = host.Local.PostAsync("/v1/completions", new StringContent(large));
        await host.WaitingAsync(1);
        for (int i = 0; i < 20; i++)
        {
            using HttpResponseMessage refused = await host.Local.PostAsync("/v1/completions", new StringContent(large));
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            Assert.Contains("rate_limit_exceeded", await refused.Content.ReadAsStringAsync());
            Assert.InRange(host.Gate.HeldBytes, Body, 2 * Body);
        }

        computing.Done.SetResult();
        Computing served = await host.NextAsync();
        Assert.Equal(large, served.Text);
        Assert.Equal(0, host.Gate.HeldBytes);
        served.Done.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await waits).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await first).StatusCode);
    }

    /// <summary>It has to send all of it before it looks for an answer, and what it sends is in nobody's way.</summary>
    [Fact]
    public async Task A_large_body_that_is_refused_is_read_to_its_end_at_a_pace()
    {
        const int Body = 8 << 20, Refused = 8;
        await using AdmissionHost host = await AdmissionHost.StartAsync(o => (o.MaxActive, o.MaxWaiting, o.MaxWaitingPerClient) = (1, 0, 0));
        Task<HttpResponseMessage> first = host.Local.PostAsync("/v1/completions", new StringContent("first"));
        Computing computing = await host.NextAsync();
        string large = new('x', Body);
        long start = Stopwatch.GetTimestamp();
        HttpResponseMessage[] refused = await Task.WhenAll(Enumerable.Range(0, Refused).Select(
            _ => host.Local.PostAsync("/v1/completions", new StringContent(large))));
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        Assert.All(refused, r => Assert.Equal(HttpStatusCode.TooManyRequests, r.StatusCode));
        Assert.True(took > TimeSpan.FromSeconds(0.4), $"{Refused * Body >> 20} MiB were taken in {took.TotalSeconds:F2} s");

        using HttpResponseMessage tooLarge = await host.Local.PostAsync("/v1/completions", new StringContent(new string('x', 20 << 20)));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, tooLarge.StatusCode);
        computing.Done.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await first).StatusCode);
    }

    [Fact]
    public async Task Large_documents_are_taken_apart_on_the_thread_for_long_texts_and_small_ones_where_they_are()
    {
        var bodies = new HeldBodies(64 << 20, 64 << 20, new BodyPace());
        Assert.Equal(("VAI long texts", 5 << 20), await NamesAsync(5 << 20));
        Assert.Equal(0, bodies.Held);
        Assert.NotEqual("VAI long texts", (await NamesAsync(1000)).Thread);
        Assert.Equal(0, bodies.Held);

        async Task<(string? Thread, int Length)> NamesAsync(int length)
        {
            var context = new DefaultHttpContext();
            context.Request.Body = new MemoryStream(new byte[length]);
            context.Request.ContentLength = length;
            using HeldBodies.Body? body = await bodies.ReadAsync(context, "client");
            Assert.InRange(bodies.Held, length, 2 * length);
            return await body!.TakeApartAsync(bytes => (Thread.CurrentThread.Name, bytes.Length), default);
        }
    }

    private static int Cost(string path, string body) => Work.CostOf(Request(path), Encoding.UTF8.GetBytes(body));

    private static HttpRequest Request(string path)
    {
        HttpRequest request = new DefaultHttpContext().Request;
        (request.Method, request.Path) = ("POST", path);
        return request;
    }
}
