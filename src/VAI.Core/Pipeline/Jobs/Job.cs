using System.Diagnostics;
using VAI.Native.Llama;
using VAI.Pipeline.Steps;
using VAI.Sram;

namespace VAI.Pipeline.Jobs;

/// <summary>
/// Work that a model's lane runs: entries of a log to be computed on a line of the bank. A job says what it asks of the next step
/// (<see cref="Demand"/>); the lane puts steps together, runs them, and tells each job what came of it: <see cref="Commit"/> of its rows,
/// or nothing, and it asks again. Members are used on the pipeline's thread where they do not say otherwise.
/// </summary>
internal abstract class Job(ModelLane lane, JobTimes times)
{
    private volatile bool _cancelled;
    private long _idleSince;
    private long _steps;
    private long _threads;

    public ModelLane Lane => lane;

    /// <summary>Jobs are placed and prefilled in this order. It is fixed at the start, so that nobody is overtaken for ever.</summary>
    public long Due => times.Due;

    /// <summary>When it ends whatever it has done; <see cref="long.MaxValue"/> for never.</summary>
    public long Deadline => times.Deadline;

    /// <summary>When it no longer waits for SRAM; <see cref="long.MaxValue"/> for never.</summary>
    public long WaitsUntil => times.WaitsUntil;

    /// <summary>Whether a place was looked for since it came.</summary>
    public bool WasTried { get; set; }

    public int Weight => times.Weight;

    /// <summary>When it came.</summary>
    public long Start => times.Start;

    /// <summary>When it was first given a line; 0 before.</summary>
    public long Placed { get; private set; }

    /// <summary>Entries that were in the KV when it was first placed.</summary>
    public int Reused { get; private set; }

    /// <summary>Stopwatch ticks since <see cref="Placed"/> in which no step was this job's.</summary>
    public long Waited { get; private set; }

    /// <summary>Threads that computed a step of it, on average; 0 before the first.</summary>
    public double Threads => _steps == 0 ? 0 : (double)_threads / _steps;

    /// <summary>What it computes, from the first entry on.</summary>
    public abstract ReadOnlySpan<int> Log { get; }

    /// <summary>How many of these are to be on the line before it asks for nothing more.</summary>
    public abstract int Target { get; }

    /// <summary>Cells that it may come to hold until then, and one for what follows, if anything does: the ledger reserves them.</summary>
    public abstract int Cells { get; }

    /// <summary>Where its entries are; null while it has no place.</summary>
    public abstract SramLine? Line { get; }

    /// <summary>Whether what it asks for next is a prompt's, which steps take by their budget, rather than one token for which a reader waits.</summary>
    public abstract bool IsPrompt { get; }

    /// <summary>Whether that is the end of an answer, for which a reader waits too, in a few rows: it comes before prompts.</summary>
    public virtual bool IsTail => false;

    public bool Cancelled => _cancelled;

    /// <summary>Whether its reader is behind. It holds its place, but takes part in no step.</summary>
    public virtual bool Blocked => false;

    /// <summary>Whether it has nothing more to compute or to hand over.</summary>
    public bool Done { get; private set; }

    /// <summary>Ends the job at its next step, and a step that is its alone before. From any thread, any number of times.</summary>
    public void Cancel()
    {
        _cancelled = true;

        // SYNC POINT with StepRunner.Run: either this sees its step, or the step sees the cancellation.
        Interlocked.MemoryBarrier();
        lane.CancelStep(this);
    }

    /// <summary>Called once, before the job waits for its place.</summary>
    public virtual void Begin()
    {
    }

    /// <summary>Looks for a line, and cells for what it may come to hold.</summary>
    /// <param name="placer">Who has them.</param>
    /// <param name="growth">Cells that those who run will take, beyond what is reserved for them, while this one is computed.</param>
    /// <returns>False while there is no room: it keeps what it has, and can be placed later.</returns>
    public abstract bool TryPlace(SramPlacer placer, int growth);

    /// <summary>It has a line that holds the first <paramref name="reused"/> entries.</summary>
    public virtual void Begun(int reused)
    {
        if (Placed != 0)
            return;
        Placed = _idleSince = Stopwatch.GetTimestamp();
        Reused = reused;
    }

    /// <summary>What it asks of the next step.</summary>
    /// <param name="most">Rows that it can have.</param>
    public abstract StepDemand Demand(int most);

    /// <summary>A step computed rows of it, which are on its line now.</summary>
    /// <param name="llama">Has the outputs that were asked for, until the next step.</param>
    /// <param name="rows">The rows, as places in the step; empty if it had all it asked for without one.</param>
    public abstract void Commit(LlamaContext llama, Range rows);

    /// <summary>Gives its line up; it waits for a place again.</summary>
    public abstract void Park(SramPlacer placer);

    /// <summary>It has ended, or waits for its reader: its line is idle from now on.</summary>
    public abstract void Rest(SramPlacer placer);

    /// <summary>What is on its line cannot be relied upon.</summary>
    public abstract void Spoil(SramPlacer placer);

    /// <summary>Tries again to hand over what the reader had no room for.</summary>
    public virtual void Deliver()
    {
    }

    /// <summary>The deadline has passed.</summary>
    public abstract void Expire();

    /// <summary>It was cancelled.</summary>
    public abstract void Abandon();

    /// <summary>Ends it with an error. Never throws.</summary>
    public virtual void Fail(Exception error) => End(error);

    /// <summary>A step that it was part of ran, from one timestamp to the other, on so many threads.</summary>
    public void Stepped(long start, long end, int threads)
    {
        Waited += start - _idleSince;
        _idleSince = end;
        _steps++;
        _threads += threads;
    }

    /// <summary>Ends it, once. Never throws: whoever awaits the job must not wait for ever because something of it could not be let go.</summary>
    protected void End(Exception? error)
    {
        if (Done)
            return;
        Done = true;
        try
        {
            LetGo();
        }
        catch (Exception e)
        {
            error ??= e;
        }

        Complete(error);
    }

    /// <summary>Gives back what it holds besides its line.</summary>
    protected abstract void LetGo();

    /// <summary>Tells who awaits it. Does not throw.</summary>
    protected abstract void Complete(Exception? error);
}
