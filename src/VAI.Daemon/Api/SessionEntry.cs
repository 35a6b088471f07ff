using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using VAI.Daemon.Access;
using VAI.Pipeline.Steps;
using VAI.Remote.Wire;
using VAI.Sessions;

namespace VAI.Daemon.Api;

/// <summary>A session that requests name by an id. One request at a time has it; others wait for that one.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "A semaphore whose wait handle is not used holds nothing.")]
internal sealed class SessionEntry(string id, TimeProvider time)
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly long _made = Stopwatch.GetTimestamp();
    private long _generated;
    private long _before;
    private long _started;
    private double _rate;

    public string Id => id;

    /// <summary>Who opened it; null for nobody in particular.</summary>
    public string? Client { get; set; }

    /// <summary>Whose it is; null for everybody's.</summary>
    public string? Owner { get; init; }

    /// <summary>Of whose share of sessions it is; null for nobody's.</summary>
    public string? Share { get; init; }

    /// <summary>Null until it is opened.</summary>
    public IInferenceSession? Session { get; set; }

    /// <summary>It is out of the table.</summary>
    public bool Removed { get; set; }

    /// <summary>Since when nobody has it; while somebody has it, since when somebody else had it last.</summary>
    public long Used { get; private set; } = time.GetTimestamp();

    public bool IsOf(Caller? caller) => caller is null || caller.IsAdmin || Owner is null || Owner == caller.Owner;

    public Task WaitAsync(CancellationToken cancellationToken) => _gate.WaitAsync(cancellationToken);

    /// <summary>Takes it if nobody has it.</summary>
    public bool TryTake() => _gate.Wait(0);

    public void Release()
    {
        Used = time.GetTimestamp();
        _gate.Release();
    }

    public void Begin()
    {
        _before = Generated;
        Volatile.Write(ref _started, Stopwatch.GetTimestamp());
    }

    public void Count() => Interlocked.Increment(ref _generated);

    public long Generated => Volatile.Read(ref _generated);

    /// <summary>Ends what <see cref="Begin"/> began, and says how many tokens it generated.</summary>
    public long End(InferenceResult? result)
    {
        _rate = result?.TokensPerSecond ?? 0;
        Volatile.Write(ref _started, 0);
        return Generated - _before;
    }

    public WireSessionInfo? Info() => Session is { } session
        ? new WireSessionInfo(
            id, session.Model.Name, Client, session.TokenCount, Volatile.Read(ref _started) != 0, Generated, Rate(),
            Stopwatch.GetElapsedTime(_made).TotalSeconds)
        : null;

    // Of the running transaction: it is read now and then, so that the count since its start is what it has.
    private double Rate()
    {
        long started = Volatile.Read(ref _started);
        return started == 0 ? _rate : (Generated - _before) / Math.Max(Stopwatch.GetElapsedTime(started).TotalSeconds, 1e-3);
    }

    /// <summary>Whether it holds what a client says that it holds.</summary>
    public bool Holds(WireOpen open)
    {
        if (Session is not IResumableSession session || session.Model.Name != open.Model || open.File is not null)
            return false;
        SessionState has = session.State;
        IReadOnlyList<int> log = open.State?.Log ?? [];
        return has.Log.Count == log.Count && has.Committed == (open.State?.Committed ?? 0)
            && has.Log.Select(Schedule.Id).SequenceEqual(log.Select(Schedule.Id));
    }
}
