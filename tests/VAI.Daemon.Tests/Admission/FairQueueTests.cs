using System.Diagnostics;
using FsCheck.Xunit;
using VAI.Daemon.Admission;

namespace VAI.Daemon.Tests.Admission;

public sealed class FairQueueTests
{
    /// <summary>Random arrivals, ends and cancellations, replayed against what must hold; FsCheck prints the seed of a failure.</summary>
    [Property(MaxTest = 300)]
    public void Bounds_hold_nobody_is_overtaken_twice_and_nothing_is_left(int seed)
    {
        var random = new Random(seed);
        var options = new AdmissionOptions { MaxActive = random.Next(1, 6), MaxWaiting = random.Next(0, 24) };
        if (random.Next(2) == 0)
            options.MaxActivePerClient = options.MaxActive;
        options.MaxActiveBesideOthers = options.Share.Active;
        var run = new Run(options);
        for (int i = 0; i < 300; i++)
        {
            string client = "client " + random.Next(1 + (i % 7));
            switch (random.Next(5))
            {
                case 0 or 1:
                    run.Enter(client);
                    break;
                case 2 when run.Active.Count > 0:
                    run.Leave(run.Active[random.Next(run.Active.Count)]);
                    break;
                case 3 when run.Waiting.Count > 0:
                    run.Cancel(run.Waiting[random.Next(run.Waiting.Count)]);
                    break;
            }

            run.Check();
        }

        while (run.Active.Count + run.Waiting.Count > 0)
        {
            if (run.Active.Count > 0)
                run.Leave(run.Active[0]);
            else
                run.Cancel(run.Waiting[0]);
            run.Check();
        }

        Assert.Equal((0, 0, 0), (run.Queue.Active, run.Queue.Waiting, run.Queue.Clients));
    }

    [Fact]
    public async Task Cancelling_from_many_threads_leaves_nothing()
    {
        var queue = new FairQueue(new AdmissionOptions { MaxActive = 2, MaxWaiting = 1000, MaxActivePerClient = 2, MaxWaitingPerClient = 1000 });
        await Parallel.ForAsync(0, 2000, async (i, _) =>
        {
            using var cancellation = new CancellationTokenSource();
            ValueTask<Entry> entry = queue.EnterAsync("client " + (i % 5), 1, cancellation.Token);
            if (i % 3 == 0)
                cancellation.Cancel();
            try
            {
                if (await entry == Entry.Admitted)
                {
                    await Task.Yield();
                    queue.Leave("client " + (i % 5), Stopwatch.GetTimestamp());
                }
            }
            catch (OperationCanceledException)
            {
                Assert.Equal(0, i % 3);
            }
        });
        Assert.Equal((0, 0, 0), (queue.Active, queue.Waiting, queue.Clients));
    }

    [Fact]
    public async Task Draining_sends_away_who_waits_and_ends_with_the_last()
    {
        var queue = new FairQueue(new AdmissionOptions { MaxActive = 1 });
        Assert.Equal(Entry.Admitted, await queue.EnterAsync("a"));
        ValueTask<Entry> waits = queue.EnterAsync("b");
        Task drained = queue.DrainAsync();
        Assert.Equal(Entry.Draining, await waits);
        Assert.Equal(Entry.Draining, await queue.EnterAsync("c"));
        Assert.False(drained.IsCompleted);
        queue.Leave("a", Stopwatch.GetTimestamp());
        await drained;
        Assert.Equal((0, 0, 0), (queue.Active, queue.Waiting, queue.Clients));
    }

    [Fact]
    public async Task One_client_cannot_take_all_places_nor_the_whole_queue()
    {
        var queue = new FairQueue(new AdmissionOptions { MaxActive = 8, MaxWaiting = 8 });
        var entries = Enumerable.Range(0, 10_000).Select(_ => queue.EnterAsync("flood").AsTask()).ToList();
        Assert.Equal(2, entries.Count(e => e.IsCompletedSuccessfully && e.Result == Entry.Admitted));
        Assert.Equal(2, queue.Waiting);
        Assert.Equal(9_996, entries.Count(e => e.IsCompletedSuccessfully && e.Result == Entry.ClientFull));
        Assert.Equal(Entry.Admitted, await queue.EnterAsync("other"));
    }

    [Fact]
    public async Task Beside_others_one_client_has_less()
    {
        var time = new Time();
        var queue = new FairQueue(new AdmissionOptions { MaxActive = 16, MaxActivePerClient = 4, MaxActiveBesideOthers = 2, MaxWaiting = 32 }, time);
        List<Task<Entry>> flood = [.. Enumerable.Range(0, 12).Select(_ => queue.EnterAsync("flood").AsTask())];
        Assert.Equal((4, 8), (queue.Active, queue.Waiting));
        Assert.Equal(Entry.Admitted, await queue.EnterAsync("other"));

        // What runs is not taken away; who leaves is followed by nobody until there are two.
        Leave("flood");
        Leave("flood");
        Assert.Equal((3, 8), (queue.Active, queue.Waiting));
        Leave("flood");
        Assert.Equal((3, 7), (queue.Active, queue.Waiting));
        Leave("other");
        Leave("flood");
        Assert.Equal((2, 6), (queue.Active, queue.Waiting));

        // Alone again it has all of its share with the next that comes or leaves, the oldest first.
        time.Now += TimeSpan.FromSeconds(2).Ticks;
        flood.Add(queue.EnterAsync("flood").AsTask());
        Assert.Equal((4, 5), (queue.Active, queue.Waiting));
        Assert.False(flood[^1].IsCompleted);
        Leave("flood");
        Assert.Equal((4, 4), (queue.Active, queue.Waiting));

        void Leave(string client) => queue.Leave(client, Stopwatch.GetTimestamp());
    }

    private sealed class Time : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now;
    }

    private sealed class Request(string client, int ahead)
    {
        public string Client { get; } = client;

        /// <summary>Of its client, those that waited when it came, and itself.</summary>
        public int Turns { get; } = ahead + 1;

        /// <summary>Requests of others that were served since it waits.</summary>
        public Dictionary<string, int> Overtaken { get; } = [];

        public CancellationTokenSource Cancellation { get; } = new();

        public Task<Entry> Entry { get; set; } = null!;
    }

    /// <summary>A queue beside a plain record of who should be in it.</summary>
    private sealed class Run(AdmissionOptions options)
    {
        public FairQueue Queue { get; } = new(options);

        public List<Request> Active { get; } = [];

        public List<Request> Waiting { get; } = [];

        public void Enter(string client)
        {
            int waiting = Waiting.Count(w => w.Client == client), active = Active.Count(a => a.Client == client);
            var request = new Request(client, waiting);
            int all = Queue.Active, queued = Queue.Waiting;
            request.Entry = Queue.EnterAsync(client, 1, request.Cancellation.Token).AsTask();
            if (all < options.MaxActive && active < options.Share.Active)
                Active.Add(Answered(request, Entry.Admitted));
            else if (waiting >= options.Share.Waiting)
                Answered(request, Entry.ClientFull);
            else if (queued >= options.MaxWaiting)
                Answered(request, Entry.QueueFull);
            else
                Waiting.Add(request);
        }

        public void Leave(Request request)
        {
            Active.Remove(request);
            int before = Queue.Waiting;
            Queue.Leave(request.Client, Stopwatch.GetTimestamp());
            int served = before - Queue.Waiting;
            Assert.InRange(served, 0, 1);
            if (served == 0)
                return;

            // Whoever it was, the answer comes by itself; the oldest of a client is the one.
            Request[] oldest = [.. Waiting.DistinctBy(w => w.Client)];
            Request next = oldest[Task.WaitAny([.. oldest.Select(w => w.Entry)])];
            Waiting.Remove(Answered(next, Entry.Admitted));
            Active.Add(next);
            foreach (Request other in Waiting.Where(w => w.Client != next.Client))
                other.Overtaken[next.Client] = other.Overtaken.GetValueOrDefault(next.Client) + 1;
        }

        public void Cancel(Request request)
        {
            request.Cancellation.Cancel();
            Assert.ThrowsAny<OperationCanceledException>(() => request.Entry.GetAwaiter().GetResult());
            Waiting.Remove(request);
        }

        public void Check()
        {
            Assert.Equal((Active.Count, Waiting.Count), (Queue.Active, Queue.Waiting));
            Assert.True(Active.Count <= options.MaxActive && Waiting.Count <= options.MaxWaiting);
            Assert.Equal(Active.Concat(Waiting).Select(r => r.Client).Distinct().Count(), Queue.Clients);
            Assert.All(Active.CountBy(a => a.Client), c => Assert.True(c.Value <= options.Share.Active));
            Assert.All(Waiting.CountBy(w => w.Client), c => Assert.True(c.Value <= options.Share.Waiting));

            // Who is kept out by its own share is not overtaken: it has more places than others may.
            foreach (Request waiting in Waiting.Where(_ => options.Share.Active == options.MaxActive))
                Assert.All(waiting.Overtaken, o => Assert.True(o.Value <= waiting.Turns, $"{o.Value} of {o.Key} before request {waiting.Turns}"));
        }

        private static Request Answered(Request request, Entry entry)
        {
            Assert.Equal(entry, request.Entry.GetAwaiter().GetResult());
            return request;
        }
    }
}
