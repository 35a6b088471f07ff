using System.Diagnostics;
using VAI.Native.Llama;
using VAI.Sessions;

namespace VAI.Pipeline;

/// <summary>
/// Work on one session that its model's lane runs: compute the log up to <see cref="Target"/>, then whatever the job does with
/// the logits. Members are used on the pipeline's thread where they do not say otherwise.
/// </summary>
internal abstract class SequenceJob(Session session, JobTimes times)
{
    private volatile bool _cancelled;
    private long _idleSince;

    public Session Session => session;

    /// <summary>Jobs are placed and prefilled in this order. It is fixed at the start, so that nobody is overtaken for ever.</summary>
    public long Due => times.Due;

    /// <summary>When it ends whatever it has done; <see cref="long.MaxValue"/> for never.</summary>
    public long Deadline => times.Deadline;

    /// <summary>When it no longer waits for SRAM; <see cref="long.MaxValue"/> for never.</summary>
    public long WaitsUntil => times.WaitsUntil;

    public int Weight => times.Weight;

    /// <summary>When it came.</summary>
    public long Start => times.Start;

    /// <summary>When it was first given a line; 0 before.</summary>
    public long Placed { get; private set; }

    /// <summary>Entries that were in the KV when it was first placed.</summary>
    public int Reused { get; private set; }

    /// <summary>Stopwatch ticks since <see cref="Placed"/> in which no step was this job's.</summary>
    public long Waited { get; private set; }

    /// <summary>Entries of the log to compute.</summary>
    public abstract int Target { get; }

    public bool Cancelled => _cancelled;

    /// <summary>Whether its reader is behind. It holds its place, but takes part in no step.</summary>
    public virtual bool Blocked => false;

    /// <summary>Whether it has nothing more to compute or to hand over.</summary>
    public bool Done { get; protected set; }

    /// <summary>Ends the job at its next step, and a step that is its alone before. From any thread, any number of times.</summary>
    public void Cancel()
    {
        _cancelled = true;

        // SYNC POINT with ModelLane.Decode: either this sees its step, or the lane sees the cancellation.
        Interlocked.MemoryBarrier();
        session.Context.Lane.CancelStep(this);
    }

    /// <summary>The first entry of the log whose row is wanted beside the last one's; <see cref="int.MaxValue"/> for none.</summary>
    public virtual int WantsRowsFrom => int.MaxValue;

    /// <summary>Called once, before the job waits for its place.</summary>
    public virtual void Begin()
    {
    }

    /// <summary>It has a line that holds the first <paramref name="reused"/> entries.</summary>
    public virtual void Place(int reused)
    {
        if (Placed != 0)
            return;
        Placed = _idleSince = Stopwatch.GetTimestamp();
        Reused = reused;
    }

    /// <summary>A step that it was part of ran, from one timestamp to the other.</summary>
    public void Stepped(long start, long end)
    {
        Waited += start - _idleSince;
        _idleSince = end;
    }

    /// <summary>Rows of a step that are wanted (<see cref="WantsRowsFrom"/>), the log's last one not among them.</summary>
    /// <param name="context">Has the logits of the rows.</param>
    /// <param name="row">The row of the entry at <paramref name="from"/>.</param>
    /// <param name="from">The first entry.</param>
    /// <param name="count">How many.</param>
    public virtual void Computed(LlamaContext context, int row, int from, int count)
    {
    }

    /// <summary>The log is computed up to <see cref="Target"/>; the row has the logits, or is -1 if nothing had to be computed.</summary>
    public abstract void Reached(LlamaContext context, int row);

    /// <summary>Tries again to hand over what the reader had no room for.</summary>
    public virtual void Deliver()
    {
    }

    /// <summary>The deadline has passed.</summary>
    public abstract void Expire();

    /// <summary>It was cancelled.</summary>
    public abstract void Abandon();

    /// <summary>Ends it with an error.</summary>
    public abstract void Fail(Exception error);
}

/// <summary>A job's times, as <see cref="Stopwatch"/> timestamps, and its share.</summary>
internal readonly record struct JobTimes(long Start, long Due, long Deadline, long WaitsUntil, int Weight)
{
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>.</exception>
    public static JobTimes From(long start, SessionPriority priority, TimeSpan? deadline = null, TimeSpan? sramWait = null)
    {
        // What has no deadline is due after a while all the same: the order is by one number, and nothing waits for ever.
        (int weight, double seconds) = priority switch
        {
            SessionPriority.Low => (1, 120.0),
            SessionPriority.High => (4, 5.0),
            _ => (2, 30.0),
        };
        long due = After(TimeSpan.FromSeconds(seconds));
        long end = deadline is { } d ? After(d) : long.MaxValue;
        return new JobTimes(start, Math.Min(due, end), end, sramWait is { } w ? After(w) : long.MaxValue, weight);

        long After(TimeSpan span) => start + (long)(span.TotalSeconds * Stopwatch.Frequency);
    }
}
