namespace VAI.Pipeline.Compute;

/// <summary>What the kernel says of the cores, in nanoseconds that only grow.</summary>
internal interface ICoreTimes
{
    /// <summary>How long threads that compute steps of so many threads were ready to run and had no core, all of them together.</summary>
    long Waited(int threads);

    /// <summary>How long cores that may be used had nothing to do, all of them together.</summary>
    long Idle { get; }

    /// <summary>How long threads of this process ran, all of them together.</summary>
    long Own { get; }

    /// <summary>Periods in which the process was stopped because its quota was used up: a number, no time.</summary>
    long Throttled { get; }
}

/// <summary>
/// How many threads compute a step. Threads of a step wait for each other at every operation, spinning: one that has no core for a while costs all of
/// them that while. So a core that somebody else uses is left to him, step by step, and taken back when it has nothing to do. Of two cores
/// beside one busy thread both threads together compute half of what one of them does.
/// </summary>
/// <remarks>
/// Used by one thread. Times are nanoseconds of a monotonic clock. It never asks how long a step should take, which changes with rows and lengths:
/// that threads were kept waiting says that there were too many, an idle core that there could be more.
/// </remarks>
internal sealed class ThreadGovernor
{
    // So much computing says whether there are too many: several turns of the kernel's clock.
    private const long Window = 12_000_000;

    // Cores are idle where they were for so long, and longer where to take them was wrong.
    private const long LeastPatience = 150_000_000;
    private const long MostPatience = 800_000_000;

    // What the last thread of two adds is a third of the whole; of more threads each adds less.
    private const double Worth = 0.7;

    private readonly int _most;
    private readonly int _cores;
    private readonly ICoreTimes _times;

    // Each number of threads is a set of its own, which stays: a few numbers, not all.
    private readonly int[] _sizes;
    private long _computed;
    private long _waited;
    private long _throttled;
    private bool _counting;
    private bool _tried;
    private long _patience = LeastPatience;
    private long _since;
    private long _idle;
    private long _used;

    // While nothing is computed.
    private bool _rests = true;
    private long _rested;
    private long _restedIdle;
    private long _restedOwn;

    // Of turns before the last.
    private bool _yielded;
    private long _passed;
    private long _free;

    /// <param name="most">Threads on a machine that has nothing else to do.</param>
    /// <param name="cores">Cores that may be used.</param>
    /// <param name="times">What the kernel says.</param>
    /// <param name="now">The time.</param>
    public ThreadGovernor(int most, int cores, ICoreTimes times, long now)
    {
        (_most, _cores, _times, Threads) = (most, cores, times, most);
        (_rested, _restedIdle, _restedOwn) = (now, times.Idle, times.Own);
        var sizes = new SortedSet<int> { most, Math.Max(1, most - 1) };
        for (int size = most; size > 0; size /= 2)
            sizes.UnionWith([size, Math.Max(1, size * 3 / 4)]);
        _sizes = [.. sizes];
    }

    /// <summary>Threads that the next step is computed with.</summary>
    public int Threads { get; private set; }

    /// <summary>A step is about to be computed.</summary>
    /// <param name="now">The time.</param>
    public void Begin(long now)
    {
        if (_counting)
            return;
        _counting = true;
        if (_rests)
            Wake(now);
        Count();
        if (_yielded)
            (_yielded, _since, _idle) = (false, now, _times.Idle);
    }

    /// <summary>A step was computed.</summary>
    /// <param name="start">When it began.</param>
    /// <param name="end">When it ended.</param>
    public void End(long start, long end)
    {
        _computed += end - start;
        _used += (end - start) * Threads;
        if (_computed >= Window)
            Lower(end);
        if (Threads < _most && _passed + (end - _since) >= _patience)
            Raise(end);
    }

    /// <summary>Another process computes for a while, which is no sign of cores that are busy or idle when this one does.</summary>
    public void Yield(long now)
    {
        // Cores that a process has which takes turns are free in one's own.
        (_counting, _rests) = (false, false);
        if (_yielded || Threads == _most)
            return;
        _yielded = true;
        _passed += now - _since;
        _free += _times.Idle - _idle;
    }

    /// <summary>The threads wait for a while. What for is no core.</summary>
    public void Pause() => _counting = false;

    /// <summary>Nothing is to be computed until somebody asks.</summary>
    public void Sleep(long now)
    {
        _counting = false;
        if (!_rests)
            (_rests, _rested, _restedIdle, _restedOwn) = (true, now, _times.Idle, _times.Own);
    }

    // A first step may be long, a prompt's, and one thread too many costs it several times its time. What this process did meanwhile, a load say, is over.
    private void Wake(long now)
    {
        _rests = false;
        long passed = now - _rested, idle = _times.Idle;
        if (passed < LeastPatience || idle == 0)
            return;
        double free = (double)(idle - _restedIdle + _times.Own - _restedOwn) / passed;
        Threads = SizeWithin(Math.Clamp((int)Math.Round(free), 1, _most));
        Watch(now);
    }

    private void Count() => (_computed, _waited, _throttled) = (0, _times.Waited(Threads), _times.Throttled);

    private void Lower(long now)
    {
        double missing = (double)(_times.Waited(Threads) - _waited) / _computed;
        bool tooMany = Threads > 1 && missing > Worth / Threads && _times.Throttled == _throttled;
        if (!tooMany)
        {
            Count();
            // A second window is not the first after an attempt.
            if (_tried && Threads == _most)
                _patience = LeastPatience;
            _tried = false;
            return;
        }

        // Where m others share the cores fairly with n threads, these miss n m / (n + m) cores, as long as there are n.
        double others = missing < Threads ? missing * Threads / (Threads - missing) : _cores;
        Threads = SizeWithin(Math.Clamp((int)Math.Round(_cores - others), 1, Threads - 1));
        _patience = _tried ? Math.Min(MostPatience, _patience * 2) : LeastPatience;
        _tried = false;
        Count();
        Watch(now);
    }

    private void Raise(long now)
    {
        // Free is what nobody used, and what was used here.
        double free = (double)(_free + _times.Idle - _idle + _used) / (_passed + (now - _since));
        int next = SizeWithin(Math.Clamp((int)Math.Round(free), 1, _most));
        if (free >= Threads + 0.5 && next > Threads)
        {
            Threads = next;
            _tried = true;
            Count();
        }

        Watch(now);
    }

    private int SizeWithin(int threads)
    {
        int size = 1;
        foreach (int one in _sizes)
            size = one <= threads ? one : size;
        return size;
    }

    private void Watch(long now) => (_since, _idle, _used, _passed, _free) = (now, _times.Idle, 0, 0, 0);
}
