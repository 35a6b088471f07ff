using System.Diagnostics;
using System.Runtime.Versioning;
using VAI.Native.Machine;
using VAI.Pipeline.Compute;

namespace VAI.Core.Tests.Pipeline.Compute;

/// <summary>Pipelines that take turns over a real page, each with a descriptor and a lock of its own, as processes have them.</summary>
[SupportedOSPlatform("linux")]
public sealed class TurnsTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private readonly string _file = Path.Combine(Directory.CreateTempSubdirectory("vai-turns-").FullName, Turns.FileName);

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_file)!, recursive: true);

    [Fact]
    public void Alone_nobody_waits()
    {
        using Turns turns = NewTurns();
        for (int i = 0; i < 1000; i++)
        {
            Assert.False(turns.Take(Stopwatch.GetTimestamp(), () => Assert.Fail("It paused.")));
            turns.Stepped(0, Stopwatch.Frequency / 100);
        }

        turns.Leave();
        Assert.False(turns.Take(Stopwatch.GetTimestamp(), () => Assert.Fail("It paused.")));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    public async Task Two_compute_one_at_a_time_and_by_their_shares(int first, int second)
    {
        const int Most = 400;
        int running = 0;
        int steps = 0;
        long[] computed = [0, 0];
        using var begin = new Barrier(2);
        await Task.WhenAll(Run(0, first), Run(1, second)).WaitAsync(Limit);
        double ratio = (double)computed[0] / computed[1];
        Assert.InRange(ratio, 0.8 * first / second, 1.25 * first / second);

        Task Run(int which, int share) => Task.Factory.StartNew(
            () =>
            {
                using Turns turns = NewTurns(share);
                Assert.True(begin.SignalAndWait(Limit));
                while (Volatile.Read(ref steps) < Most)
                {
                    turns.Take(Stopwatch.GetTimestamp(), () => { });
                    Assert.Equal(1, Interlocked.Increment(ref running));
                    long start = Stopwatch.GetTimestamp();
                    while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromMilliseconds(2))
                        Thread.SpinWait(10);
                    long end = Stopwatch.GetTimestamp();
                    turns.Stepped(start, end);
                    computed[which] += end - start;
                    Interlocked.Increment(ref steps);
                    Interlocked.Decrement(ref running);
                }
            },
            TaskCreationOptions.LongRunning);
    }

    /// <summary>What it had while others had nothing to compute is not held against it, nor what it had not then.</summary>
    [Fact]
    public async Task Who_comes_late_gets_his_share_from_then_on()
    {
        using TurnPage page = TurnPage.Open(_file)!;
        using Turns turns = NewTurns();
        turns.Take(Stopwatch.GetTimestamp(), () => { });
        turns.Stepped(0, 100 * Stopwatch.Frequency);
        using Turns late = NewTurns();
        int own = page.Holder + 1;
        Assert.Equal(0UL, page.Used(own));
        turns.Leave();
        turns.Take(Stopwatch.GetTimestamp(), () => { });
        Task waits = Task.Run(() => late.Take(Stopwatch.GetTimestamp(), () => { }));
        SpinWait.SpinUntil(() => page.Wants(own) == 1, Limit);
        Assert.Equal(page.Used(page.Holder), page.Used(own));
        turns.Leave();
        await waits.WaitAsync(Limit);
    }

    /// <summary>What it had while nobody else was there is not held against it: it need not wait until another has had as much.</summary>
    [Fact]
    public async Task Who_comes_back_after_long_work_is_not_kept_waiting_for_as_long()
    {
        using Turns old = NewTurns();
        old.Take(Stopwatch.GetTimestamp(), () => { });
        old.Stepped(0, 10_000 * Stopwatch.Frequency);
        old.Leave();
        using var ended = new CancellationTokenSource();
        Task busy = Task.Factory.StartNew(
            () =>
            {
                using Turns other = NewTurns();
                while (!ended.IsCancellationRequested)
                {
                    other.Take(Stopwatch.GetTimestamp(), () => { });
                    long start = Stopwatch.GetTimestamp();
                    Thread.SpinWait(1000);
                    other.Stepped(start, Stopwatch.GetTimestamp());
                }
            },
            TaskCreationOptions.LongRunning);
        for (int i = 0; i < 20; i++)
        {
            await Task.Run(() => old.Take(Stopwatch.GetTimestamp(), () => { })).WaitAsync(Limit);
            old.Leave();
        }

        await ended.CancelAsync();
        await busy.WaitAsync(Limit);
    }

    /// <summary>Its process has ended: the kernel has given back its lock.</summary>
    [Fact]
    public void A_holder_that_has_ended_is_passed_over()
    {
        using Turns turns = NewTurns();
        TurnPage ended = TurnPage.Open(_file)!;
        int place = ended.Own;
        Volatile.Write(ref ended.Wants(place), 1);
        Assert.True(ended.TryPass(-1, place, tell: false));
        ended.Dispose();
        Assert.True(turns.Take(Stopwatch.GetTimestamp(), () => { }));
    }

    [Fact]
    public async Task A_holder_that_makes_no_step_is_passed_over_until_it_does()
    {
        using Turns turns = NewTurns();
        using TurnPage stopped = TurnPage.Open(_file)!;
        Volatile.Write(ref stopped.Wants(stopped.Own), 1);
        Assert.True(stopped.TryPass(-1, stopped.Own, tell: false));
        Assert.True(turns.Take(Stopwatch.GetTimestamp(), () => { }));
        Assert.Equal(stopped.Steps(stopped.Own) + 1, stopped.Passed(stopped.Own));

        // Not waited for again, however often it would be its turn.
        int waited = 0;
        for (int i = 0; i < 50; i++)
        {
            turns.Stepped(0, Stopwatch.Frequency);
            waited += turns.Take(Stopwatch.GetTimestamp() + (i * Stopwatch.Frequency), () => { }) ? 1 : 0;
        }

        Assert.Equal(0, waited);

        // It goes on: its next step, and it is waited for.
        Volatile.Write(ref stopped.Steps(stopped.Own), stopped.Steps(stopped.Own) + 1);
        Task<bool> waits = Task.Run(() => turns.Take(Stopwatch.GetTimestamp() + (100 * Stopwatch.Frequency), () => { }));
        Assert.True(SpinWait.SpinUntil(() => stopped.Holder == stopped.Own, Limit));
        stopped.TryPass(stopped.Own, -1, tell: true);
        await waits.WaitAsync(Limit);
    }

    [Fact]
    public void Places_are_given_back_and_no_more_than_there_are()
    {
        var pages = new List<TurnPage>();
        while (TurnPage.Open(_file) is { } page)
            pages.Add(page);
        Assert.Equal(TurnPage.Places, pages.Count);
        Assert.Equal(Enumerable.Range(0, TurnPage.Places), pages.Select(p => p.Own));
        pages[7].Dispose();
        using TurnPage again = TurnPage.Open(_file)!;
        Assert.Equal(7, again.Own);
        foreach (TurnPage page in pages)
            page.Dispose();
    }

    [Fact]
    public void A_page_that_is_no_page_or_that_others_may_write_is_left_alone()
    {
        File.WriteAllBytes(_file, [.. Enumerable.Repeat((byte)7, TurnPage.Bytes)]);
        Assert.Null(TurnPage.Open(_file));
        File.Delete(_file);
        File.WriteAllBytes(_file, new byte[TurnPage.Bytes]);
        File.SetUnixFileMode(_file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
        Assert.Null(TurnPage.Open(_file));
        File.Delete(_file);
        File.CreateSymbolicLink(_file, _file + "-elsewhere");
        Assert.Null(TurnPage.Open(_file));
    }

    /// <summary>Whatever somebody wrote there, nobody waits for ever, nor for a place that is none.</summary>
    [Fact]
    public async Task Nonsense_in_the_page_costs_time_and_nothing_else()
    {
        using (TurnPage.Open(_file))
        {
            // Made, and empty.
        }

        byte[] page = File.ReadAllBytes(_file);
        new Random(1).NextBytes(page.AsSpan(TurnPage.ChangesAt));
        File.WriteAllBytes(_file, page);
        using Turns turns = NewTurns();
        Task takes = Task.Run(() =>
        {
            for (int i = 0; i < 20; i++)
            {
                turns.Take(Stopwatch.GetTimestamp() + (i * Stopwatch.Frequency), () => { });
                turns.Stepped(0, Stopwatch.Frequency);
            }
        });
        await takes.WaitAsync(Limit);
    }

    private Turns NewTurns(int share = 1) => new(TurnPage.Open(_file)!, share);
}
