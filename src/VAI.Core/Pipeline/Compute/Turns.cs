using System.Diagnostics;
using VAI.Native.Machine;

namespace VAI.Pipeline.Compute;

/// <summary>
/// The turns that the pipelines of all processes take which share a ROM directory: step by step, by measured time, as the lanes of one of them do. Two that
/// compute at once would each have threads that wait, spinning, for one that has no core. Used by the pipeline's thread.
/// </summary>
/// <remarks>
/// It is advice, and nobody depends on anybody: a holder that has ended is passed over within <see cref="Look"/>, one that makes no step after
/// <see cref="Stopped"/>, and not again before it shows that it is there. Where nobody else wants a turn, taking one is some loads.
/// </remarks>
internal sealed class Turns : IDisposable
{
    /// <summary>The page's file in the ROM directory.</summary>
    public const string FileName = "turns";

    // Twice what lanes have: a change is the waking of two threads on cores that slept, most of a millisecond where a hypervisor has to be asked.
    private const int TurnMilliseconds = 20;
    private const ulong TurnNanoseconds = TurnMilliseconds * 1_000_000UL;
    private static readonly long Quantum = Stopwatch.Frequency * TurnMilliseconds / 1000;

    // Longer than a turn: who waits is told of his, and each look before takes a core from a thread for which the others of its step wait.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(30);
    private static readonly TimeSpan Stopped = TimeSpan.FromMilliseconds(500);

    private readonly TurnPage _page;
    private readonly int _own;
    private readonly double _nanoseconds;
    private readonly Action? _waiting;
    private long _since;
    private volatile bool _ended;

    /// <param name="page">This process's place, which is its own from now on.</param>
    /// <param name="share">How much of the time it gets against others, 1 or more.</param>
    /// <param name="waiting">Told now and then while it waits; null for nobody.</param>
    public Turns(TurnPage page, int share, Action? waiting = null)
    {
        (_page, _own, _waiting) = (page, page.Own, waiting);
        _nanoseconds = 1e9 / Stopwatch.Frequency / share;
    }

    /// <summary>Waits for a turn, or goes on with the one that it has.</summary>
    /// <param name="now">The time.</param>
    /// <param name="pause">Called before it waits.</param>
    /// <returns>Whether it waited.</returns>
    public bool Take(long now, Action pause)
    {
        if (Volatile.Read(ref _page.Wants(_own)) != 1)
            Arrive();
        int holder = _page.Holder;
        if (holder == _own)
        {
            if (now - _since < Quantum)
                return false;
            _since = now;
            if (Least() is var next && next == _own)
                return false;

            // Its threads sleep before another's are woken, who would find no core.
            pause();
            _page.TryPass(_own, next, tell: true);

            // It may have left meanwhile, seeing that it was not its turn.
            if (Volatile.Read(ref _page.Wants(next)) != 1)
                _page.TryPass(next, -1, tell: true);
            Wait();
            return true;
        }

        if (holder < 0 && _page.TryPass(-1, _own, tell: false))
        {
            _since = now;
            return false;
        }

        pause();
        Wait();
        return true;
    }

    /// <summary>Has it wait no more, now or later: its pipeline ends. From any thread.</summary>
    public void End() => _ended = true;

    /// <summary>A step was made. Times are of <see cref="Stopwatch"/>.</summary>
    public void Stepped(long start, long end)
    {
        Volatile.Write(ref _page.Used(_own), _page.Used(_own) + (ulong)((end - start) * _nanoseconds));
        Volatile.Write(ref _page.Steps(_own), _page.Steps(_own) + 1);
    }

    /// <summary>Nothing is to be computed.</summary>
    public void Leave()
    {
        Interlocked.Exchange(ref _page.Wants(_own), 0);
        if (_page.Holder != _own)
            return;
        int next = Least();
        _page.TryPass(_own, next, tell: next >= 0);

        // Whoever came in between has seen that it was taken, and waits to be told.
        if (next < 0 && Least() >= 0)
            _page.Tell();
    }

    public void Dispose()
    {
        Leave();
        _page.Dispose();
    }

    // What it did not want before it does not get now, and what it had while nobody else wanted any is not held against it.
    private void Arrive()
    {
        if (Least() is >= 0 and int least)
        {
            ulong had = Volatile.Read(ref _page.Used(least));
            if (_page.Used(_own) < had || _page.Used(_own) - had > TurnNanoseconds)
                Volatile.Write(ref _page.Used(_own), had);
        }

        Interlocked.Exchange(ref _page.Wants(_own), 1);
    }

    /// <summary>Of those who want a turn, who has had least; -1 for nobody.</summary>
    private int Least()
    {
        int least = -1;
        for (int i = 1; i <= TurnPage.Places; i++)
        {
            // Of equals the next one behind this process, which is the last.
            int place = (_own + i) % TurnPage.Places;
            if (Volatile.Read(ref _page.Wants(place)) != 1 || IsPassed(place))
                continue;
            if (least < 0 || Volatile.Read(ref _page.Used(place)) < Volatile.Read(ref _page.Used(least)))
                least = place;
        }

        return least;
    }

    private bool IsPassed(int place) => place != _own && Volatile.Read(ref _page.Passed(place)) == Volatile.Read(ref _page.Steps(place)) + 1;

    private void Wait()
    {
        (int Holder, ulong Steps) seen = (-1, 0);
        long since = 0;
        while (!_ended)
        {
            // Passed over while it was stopped, or taken for another that had its place: it is here.
            Volatile.Write(ref _page.Passed(_own), 0);
            if (Volatile.Read(ref _page.Wants(_own)) != 1)
                Interlocked.Exchange(ref _page.Wants(_own), 1);
            _waiting?.Invoke();
            int changes = _page.Changes;
            int holder = _page.Holder;
            if (holder == _own || (holder < 0 && _page.TryPass(-1, _own, tell: false)))
                break;
            if (holder < 0)
                continue;
            ulong steps = Volatile.Read(ref _page.Steps(holder));
            if ((holder, steps) != seen)
                (seen, since) = ((holder, steps), Stopwatch.GetTimestamp());
            if (MayPass(holder, steps, Stopwatch.GetElapsedTime(since)) && _page.TryPass(holder, _own, tell: false))
                break;
            _page.Wait(changes, Look);
        }

        _since = Stopwatch.GetTimestamp();
    }

    private bool MayPass(int holder, ulong steps, TimeSpan idle)
    {
        if (!_page.Lives(holder))
        {
            Volatile.Write(ref _page.Wants(holder), 0);
            return true;
        }

        if (idle < Stopped)
            return false;
        Volatile.Write(ref _page.Passed(holder), steps + 1);
        return true;
    }
}
