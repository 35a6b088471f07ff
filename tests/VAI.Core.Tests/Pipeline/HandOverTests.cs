using System.Collections.Concurrent;
using System.Diagnostics;
using VAI.Core.Tests.Life;
using VAI.Pipeline;
using VAI.Pipeline.Readers;
using Xunit.Abstractions;

namespace VAI.Core.Tests.Pipeline;

/// <summary>
/// Litmus tests of what threads hand to each other: the real classes, as fast as they go, with a random pause here and there. A wakeup that
/// is lost shows as a wait that ends in a failure. VAI_TEST_SEED repeats a run's pauses; the interleaving is the machine's.
/// </summary>
[Collection(EngineCollection.Name)]
public sealed class HandOverTests(ITestOutputHelper output)
{
    private readonly int _seed = Seed(output);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_writer_that_is_parked_is_woken_by_the_read_that_makes_room(int capacity)
    {
        const int Rounds = 300_000;
        var ring = new UpdateRing(capacity);
        (int woken, int parked) = (0, 0);
        int lost = -1;
        var writer = new Thread(() =>
        {
            for (int i = 0; i < Rounds; i++)
            {
                while (!ring.TryWrite(new InferenceUpdate("", i)))
                {
                    parked++;
                    if (Until(() => Interlocked.Exchange(ref woken, 0) != 0))
                        continue;
                    Volatile.Write(ref lost, i);
                    return;
                }
            }
        });
        writer.Start();
        var random = new Random(_seed);
        for (int i = 0; i < Rounds; i++)
        {
            InferenceUpdate update = default;
            bool wake = false;
            var spin = default(SpinWait);
            while (Volatile.Read(ref lost) < 0 && !ring.TryRead(out update, out wake))
                spin.SpinOnce(-1);
            Assert.True(Volatile.Read(ref lost) < 0, $"the writer of update {lost} was parked and never woken, though the ring is empty: {ring.IsEmpty}");
            Assert.Equal(i, update.TokenId);
            if (wake)
                Volatile.Write(ref woken, 1);
            if ((i & 63) == 0)
                Thread.SpinWait(random.Next(100));
        }

        writer.Join();
        output.WriteLine($"{parked} times parked");
        Assert.True(parked > 0);
    }

    [Fact]
    public async Task What_is_raised_is_seen()
    {
        const int Rounds = 100_000;
        using var readers = new ReaderThread();
        var signal = new ReaderSignal(readers);
        var ring = new UpdateRing(8);
        (int waits, int read) = (0, 0);
        Task reading = Task.Run(async () =>
        {
            while (read < Rounds)
            {
                await signal.WaitAsync().ConfigureAwait(false);
                waits++;
                while (ring.TryRead(out InferenceUpdate update, out _))
                    Assert.Equal(read++, update.TokenId);
            }
        });
        var random = new Random(_seed);
        await Task.Run(() =>
        {
            for (int i = 0; i < Rounds; i++)
            {
                if (!Until(() => ring.TryWrite(new InferenceUpdate("", i))))
                    return;
                signal.Raise();
                Thread.SpinWait(random.Next(40));
            }
        });
        await Pending.EndsAsync(reading, () => $"{read} of {Rounds} were read in {waits} waits");
        output.WriteLine($"{waits} waits");
    }

    [Fact]
    public async Task Who_is_woken_while_the_readers_thread_ends_goes_on_all_the_same()
    {
        const int Rounds = 1_000;
        const int Signals = 3;
        await Pending.ThreadsEndAsync(0);
        int descriptors = Events();
        var random = new Random(_seed);
        for (int round = 0; round < Rounds; round++)
        {
            var readers = new ReaderThread();
            ReaderSignal[] signals = [.. Enumerable.Range(0, Signals).Select(_ => new ReaderSignal(readers))];
            int woken = 0;
            Task[] waiting = [.. signals.Select(WaitAsync)];
            (int before, int between, int first) = (random.Next(300), random.Next(300), random.Next(Signals + 1));
            Task ending = Task.Run(() =>
            {
                Thread.SpinWait(before);
                readers.Dispose();
                readers.Dispose();
            });
            foreach (ReaderSignal signal in signals[..first])
                signal.Raise();
            Thread.SpinWait(between);
            foreach (ReaderSignal signal in signals[first..])
                signal.Raise();
            await Pending.EndsAsync(Task.WhenAll([.. waiting, ending]), () => $"{woken} of {Signals} were woken in round {round}");

            async Task WaitAsync(ReaderSignal signal)
            {
                await signal.WaitAsync().ConfigureAwait(false);
                Interlocked.Increment(ref woken);
            }
        }

        await Pending.ThreadsEndAsync(0);
        Assert.Equal(descriptors, Events());

        static int Events() => Directory.EnumerateFiles("/proc/self/fd")
            .Count(f => File.ResolveLinkTarget(f, returnFinalTarget: false)?.FullName.Contains("eventfd", StringComparison.Ordinal) == true);
    }

    /// <summary>However many are woken at once: one that blocks, in whatever place, has the others go on all the same.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(7)]
    public async Task A_reader_that_blocks_blocks_none_that_is_woken_with_it(int which)
    {
        const int Rounds = 20;
        using var readers = new ReaderThread();
        ReaderSignal[] signals = [.. Enumerable.Range(0, 8).Select(_ => new ReaderSignal(readers))];
        for (int round = 0; round < Rounds; round++)
        {
            using var goOn = new ManualResetEventSlim();
            int woken = 0;
            Task[] waiting = [.. signals.Select(WaitAsync)];
            readers.Hold();
            foreach (ReaderSignal signal in signals)
                signal.Raise();
            readers.Release();
            await Pending.EndsAsync(Task.WhenAll(waiting.Where((_, i) => i != which)), () => $"{woken} were woken in round {round}");
            Assert.False(waiting[which].IsCompleted);

            // And nobody who is woken later.
            Task later = LaterAsync(new ReaderSignal(readers));
            await Pending.EndsAsync(later, () => $"a later one was not woken in round {round}");
            goOn.Set();
            await Pending.EndsAsync(waiting[which], () => $"the one that blocked did not go on in round {round}");

            async Task WaitAsync(ReaderSignal signal, int index)
            {
                await signal.WaitAsync().ConfigureAwait(false);
                Interlocked.Increment(ref woken);
                if (index == which)
                    goOn.Wait();
            }
        }

        static async Task LaterAsync(ReaderSignal signal)
        {
            ValueTask wait = signal.WaitAsync();
            signal.Raise();
            await wait.ConfigureAwait(false);
        }
    }

    /// <summary>What readers leave is done once for all that are woken together, and where none is run by the caller.</summary>
    [Fact]
    public async Task What_readers_leave_is_done_once_behind_them()
    {
        using var readers = new ReaderThread();
        ReaderSignal[] signals = [.. Enumerable.Range(0, 8).Select(_ => new ReaderSignal(readers))];
        int run = 0;
        var seen = new ConcurrentQueue<int>();
        var done = new TaskCompletionSource();
        var work = new Work(() =>
        {
            int now = Volatile.Read(ref run);
            seen.Enqueue(now);
            if (now == signals.Length)
                done.TrySetResult();
        });
        Task[] waiting = [.. signals.Select(WaitAsync)];
        readers.Hold();
        foreach (ReaderSignal signal in signals)
            signal.Raise();
        readers.Release();
        await Pending.EndsAsync(Task.WhenAll([.. waiting, done.Task]), () => $"{run} were run");

        // Once; on a machine that leaves that thread no core for long, once more on the pool's.
        Assert.InRange(seen.Count, 1, 3);
        Assert.False(ReaderThread.TryLeave(work));

        async Task WaitAsync(ReaderSignal signal)
        {
            await signal.WaitAsync().ConfigureAwait(false);
            Interlocked.Increment(ref run);
            Assert.True(ReaderThread.TryLeave(work));
        }
    }

    [Fact]
    public async Task A_call_is_made_or_refused_whenever_the_pipeline_ends()
    {
        const int Rounds = 1_000;
        (int made, int refused) = (0, 0);
        var random = new Random(_seed);
        for (int round = 0; round < Rounds; round++)
        {
            var pipeline = new PipelineThread(compute: null);
            (int before, int between) = (random.Next(400), random.Next(100));
            Task[] callers = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
            {
                for (int call = 0; call < 4; call++)
                {
                    try
                    {
                        Assert.Equal(call, await pipeline.InvokeAsync(() => call).ConfigureAwait(false));
                        Interlocked.Increment(ref made);
                    }
                    catch (ObjectDisposedException)
                    {
                        Interlocked.Increment(ref refused);
                    }

                    Thread.SpinWait(between);
                }
            }))];
            Thread.SpinWait(before);
            Task ending = pipeline.DisposeAsync().AsTask();
            await Pending.EndsAsync(Task.WhenAll([.. callers, ending, pipeline.DisposeAsync().AsTask()]), () => $"round {round}");
            pipeline.Wake();
            await Assert.ThrowsAsync<ObjectDisposedException>(() => pipeline.InvokeAsync(() => { }));
        }

        output.WriteLine($"{made} made, {refused} refused");
        Assert.Equal(Rounds * 8, made + refused);
        await Pending.ThreadsEndAsync(0);
    }

    [Theory]
    [InlineData(Fault.InStep)]
    [InlineData(Fault.InFail)]
    [InlineData(Fault.InClose)]
    [InlineData(Fault.InReady)]
    public async Task A_lane_that_throws_takes_nobody_along(Fault fault)
    {
        await using var pipeline = new PipelineThread(compute: null);
        var lane = new FaultyLane(fault);
        await pipeline.AddAsync(lane);
        pipeline.Wake();
        await Pending.EndsAsync(lane.Ended.Task, () => $"the lane with a fault {fault}");
        Assert.Equal(1, await pipeline.InvokeAsync(() => 1).WaitAsync(Pending.Limit));
        Assert.Equal(fault is Fault.InFail or Fault.InClose, lane.Closed is VaiEngineException { Code: VaiError.NativeFailure });
        await Assert.ThrowsAsync<DivideByZeroException>(() => pipeline.InvokeAsync(() => throw new DivideByZeroException()));
        await pipeline.DisposeAsync();
        Assert.NotNull(lane.Closed);
    }

    private static bool Until(Func<bool> done)
    {
        var spin = default(SpinWait);
        long start = Stopwatch.GetTimestamp();
        while (!done())
        {
            spin.SpinOnce(-1);
            if (Stopwatch.GetElapsedTime(start) > Pending.Limit)
                return false;
        }

        return true;
    }

    private static int Seed(ITestOutputHelper output)
    {
        int seed = TestVariables.Seed();
        output.WriteLine($"VAI_TEST_SEED={seed}");
        return seed;
    }

    public enum Fault
    {
        InStep,
        InFail,
        InClose,
        InReady,
    }

    private sealed class FaultyLane(Fault fault) : ILane
    {
        private bool _failed;

        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Exception? Closed { get; private set; }

        public string Name => "faulty";

        public long NextTimer => long.MaxValue;

        public bool IsReady => fault == Fault.InReady ? throw new DivideByZeroException() : !_failed;

        public int Weight => 1;

        public bool Computed => false;

        public void Step() => throw new DivideByZeroException();

        public void Fail(Exception error)
        {
            Assert.IsType<DivideByZeroException>(error);
            if (fault != Fault.InStep)
                throw new InvalidOperationException("and failing fails");
            _failed = true;
            Ended.TrySetResult();
        }

        public void Close(Exception error)
        {
            Closed ??= error;
            Ended.TrySetResult();
            if (fault == Fault.InClose)
                throw new InvalidOperationException("and the end fails");
        }
    }

    private sealed class Work(Action does) : IThreadPoolWorkItem
    {
        public void Execute() => does();
    }
}
