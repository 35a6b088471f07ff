using System.Diagnostics;
using VAI.Diagnostics;
using VAI.Native.Interop;
using VAI.Native.Llama;
using VAI.Native.Machine;

namespace VAI.Pipeline.Compute;

/// <summary>The threads that steps are computed by, as many of them as there are cores for. Used by the pipeline's thread.</summary>
internal sealed class ComputeThreads : ICoreTimes, IDisposable
{
    // What is true of so many of a step's threads is true of all.
    private const int MostWatched = 8;

    // By number, made when first needed: a thread of a set that takes no part is woken for each step all the same, and whoever it interrupts on
    // a busy core loses the rest of his time there.
    private readonly Set?[] _sets;
    private readonly ThreadGovernor _governor;
    private readonly CpuTimes _cpus = new();
    private readonly Throttle _throttle = new();
    private readonly Standing _standing;
    private uint _own;
    private bool _refused;

    /// <param name="all">All threads.</param>
    /// <param name="always">Whether all compute each step, whatever else uses the cores.</param>
    /// <param name="standing">How far they stand back for others.</param>
    public ComputeThreads(LlamaThreadpool all, bool always, Standing standing = default)
    {
        _standing = standing;
        _sets = new Set?[all.Threads + 1];
        _sets[all.Threads] = NewSet(all, owned: false);
        IsFixed = always || all.Threads == 1 || !_cpus.IsKnown;
        TakesAll = all.Threads >= _cpus.Count;
        _governor = new ThreadGovernor(all.Threads, _cpus.Count, this, Nanoseconds(Stopwatch.GetTimestamp()));
    }

    /// <summary>Whether all compute each step.</summary>
    public bool IsFixed { get; private set; }

    /// <summary>Most threads that compute a step.</summary>
    public int Most => _sets.Length - 1;

    /// <summary>Whether they are as many as there are cores, so that nobody else has one while they compute.</summary>
    public bool TakesAll { get; }

    long ICoreTimes.Idle => _cpus.Idle();

    long ICoreTimes.Own => (long)Environment.CpuUsage.TotalTime.TotalNanoseconds;

    long ICoreTimes.Throttled => _throttle.Count();

    long ICoreTimes.Waited(int threads) => SetOf(threads).Waited(_own);

    /// <summary>The calling thread is the pipeline's, which computes with the others.</summary>
    public void Enter()
    {
        _own = LibcNative.gettid();
        StandBack(_own);
    }

    /// <summary>The calling thread computes beside the pipeline's.</summary>
    public void Assist() => StandBack(LibcNative.gettid());

    /// <summary>A step is about to be computed.</summary>
    public void Begin()
    {
        if (!IsFixed)
            _governor.Begin(Nanoseconds(Stopwatch.GetTimestamp()));
    }

    /// <summary>Has a context's next step computed by as many as there are cores for.</summary>
    public void Give(LlamaContext context)
    {
        if (context.Threads != _governor.Threads && SetOf(_governor.Threads).Pool is var pool && context.Threads != pool.Threads)
            context.Attach(pool);
    }

    /// <summary>A step was computed. Times are of <see cref="Stopwatch"/>.</summary>
    public void End(long start, long end)
    {
        if (IsFixed)
            return;
        int threads = _governor.Threads;
        _governor.End(Nanoseconds(start), Nanoseconds(end));
        if (threads != _governor.Threads)
            SetOf(threads).Pool.Rest();
    }

    /// <summary>Another process computes for a while: what is idle meanwhile is no core that could be taken.</summary>
    public void Yield()
    {
        _governor.Yield(Nanoseconds(Stopwatch.GetTimestamp()));
        Rest();
    }

    /// <summary>The threads sleep until the next step, so that others have the cores that they would poll on.</summary>
    public void Pause()
    {
        _governor.Pause();
        Rest();
    }

    /// <summary>The same, where nothing is to be computed until somebody asks: who uses the cores meanwhile is known when it is.</summary>
    public void Sleep()
    {
        if (!IsFixed)
            _governor.Sleep(Nanoseconds(Stopwatch.GetTimestamp()));
        Rest();
    }

    public void Dispose()
    {
        foreach (Set? set in _sets)
            set?.Dispose();
        _cpus.Dispose();
        _throttle.Dispose();
    }

    private void Rest()
    {
        foreach (Set? set in _sets)
            set?.Pool.Rest();
    }

    private static long Nanoseconds(long timestamp) => (long)(timestamp * (1e9 / Stopwatch.Frequency));

    // Where no more threads are to be had, all of those that there are compute from then on.
    private Set SetOf(int threads)
    {
        if (_sets[threads] is { } there)
            return there;
        if (!IsFixed)
        {
            try
            {
                return _sets[threads] = NewSet(new LlamaThreadpool(threads), owned: true);
            }
            catch (Exception e) when (e is VaiException or OutOfMemoryException or ThreadStartException)
            {
                Faults.Report($"A set of {threads} compute threads", e);
                IsFixed = true;
            }
        }

        return _sets[Most]!;
    }

    private Set NewSet(LlamaThreadpool pool, bool owned)
    {
        foreach (uint thread in pool.Workers)
            StandBack(thread);
        return new Set(pool, owned);
    }

    private void StandBack(uint thread)
    {
        if (_refused || _standing.Apply(thread) is not { } refusal)
            return;
        _refused = true;
        Faults.Report("Standing back for others", new InvalidOperationException($"{refusal}. The compute threads run as all others."));
    }

    /// <summary>Threads that compute a step together.</summary>
    private sealed class Set(LlamaThreadpool pool, bool owned) : IDisposable
    {
        private RunDelays? _delays;

        public LlamaThreadpool Pool => pool;

        public long Waited(uint own)
        {
            if (_delays is null)
            {
                _delays = new RunDelays();
                foreach (uint thread in (uint[])[own, .. pool.Workers.Take(MostWatched - 1)])
                    _delays.Add(thread);
            }

            return _delays.Count == 0 ? 0 : _delays.Total() * pool.Threads / _delays.Count;
        }

        public void Dispose()
        {
            _delays?.Dispose();
            if (owned)
                pool.Dispose();
        }
    }
}
