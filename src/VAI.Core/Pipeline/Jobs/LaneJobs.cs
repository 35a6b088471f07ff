using System.Diagnostics;
using VAI.Sram;

namespace VAI.Pipeline.Jobs;

/// <summary>
/// A lane's jobs, by where they are: those that wait for SRAM, those whose KV is on its way to their line, those that run, and those whose reader
/// is behind. Has each where it belongs, looks after all of them, and ends them. All but <see cref="Queue"/> on the pipeline's thread.
/// </summary>
internal sealed class LaneJobs(string name, SramBank bank, SramPlacer placer)
{
    private readonly List<Job> _blocked = [];

    public JobQueue Queue { get; } = new();

    public List<Job> Arriving { get; } = [];

    public List<Job> Running { get; } = [];

    /// <summary>Whether something has changed since nothing more could be placed.</summary>
    public bool MayPlace { get; set; }

    /// <summary>When they must be looked after although nothing has changed, as a <see cref="Stopwatch"/> timestamp.</summary>
    public long NextTimer { get; private set; } = long.MaxValue;

    /// <summary>Takes in those that have come, ends what is cancelled or late, and has each where it belongs by now.</summary>
    public void KeepHouse()
    {
        while (Queue.TryTakeNew(out Job? job))
        {
            try
            {
                job.Begin();
                if (!job.Done && job.Cells > bank.LineCells)
                    job.Fail(TooLarge(job));
            }
            catch (Exception e)
            {
                job.Fail(e);
            }

            if (!job.Done)
                Queue.Insert(job);
            MayPlace = true;
        }

        long now = Stopwatch.GetTimestamp();
        NextTimer = long.MaxValue;
        for (int i = Queue.Waiting.Count - 1; i >= 0; i--)
        {
            Job job = Queue.Waiting[i];
            if (Look(job, now, waits: true))
                continue;
            Queue.RemoveAt(i);
            if (job.Blocked)
                Block(job);
        }

        Sift(Arriving, now);
        Sift(Running, now);
        for (int i = _blocked.Count - 1; i >= 0; i--)
        {
            Job job = _blocked[i];
            Look(job, now, waits: false);
            if (job is { Blocked: true, Done: false })
                continue;
            _blocked.RemoveAt(i);
            if (job.Done)
                Rest(job);
            else
                Resume(job);
        }
    }

    /// <summary>Puts a job that is in no list where it belongs.</summary>
    public void Settle(Job job)
    {
        if (job.Done)
            Rest(job);
        else if (job.Blocked)
            Block(job);
        else
            Running.Add(job);
    }

    /// <summary>Has the one wait that is due last of those that have a place; at least one goes on, as any job alone fits an empty bank.</summary>
    public void ParkLast()
    {
        Job last = Running[0];
        foreach (Job job in Running)
            last = job.Due >= last.Due ? job : last;
        foreach (Job job in Arriving)
            last = job.Due >= last.Due ? job : last;
        if (!Running.Remove(last))
            Arriving.Remove(last);
        if (Running.Count + Arriving.Count == 0)
        {
            Ruin(last, SramFull());
            return;
        }

        try
        {
            last.Park(placer);
            Queue.Insert(last);
        }
        catch (Exception e)
        {
            Ruin(last, e);
        }
    }

    /// <summary>Ends a job that something went wrong with, in whatever state its line is.</summary>
    public void Ruin(Job job, Exception error)
    {
        job.Fail(error);
        try
        {
            job.Spoil(placer);
        }
        catch (Exception)
        {
            // What is left is taken back with the line's next use.
        }

        MayPlace = true;
    }

    /// <summary>Ends what has a place; what waits goes on waiting.</summary>
    public void Fail(Exception error)
    {
        foreach (Job job in (Job[])[.. Running, .. Arriving])
            Ruin(job, error);
        Running.Clear();
        Arriving.Clear();
        MayPlace = true;
    }

    /// <summary>Ends those that have come and are in no list yet. From any thread.</summary>
    public void EndNew(Exception why)
    {
        while (Queue.TryTakeNew(out Job? job))
            job.Fail(why);
    }

    /// <summary>Ends all.</summary>
    public void End(Exception why)
    {
        EndNew(why);
        Fail(why);
        foreach (Job job in _blocked)
            Ruin(job, why);
        _blocked.Clear();
        while (Queue.TakeFirst() is { } job)
            Ruin(job, why);
    }

    // Of those that have a place: who does not go on lets what was on its way to its line go.
    private void Sift(List<Job> jobs, long now)
    {
        for (int i = jobs.Count - 1; i >= 0; i--)
        {
            Job job = jobs[i];
            if (Look(job, now, waits: false))
                continue;
            jobs.RemoveAt(i);
            if (job.Line is { } line)
                placer.StopArrival(line);
            if (job.Done)
                Rest(job);
            else
                Block(job);
        }
    }

    /// <summary>Ends what is cancelled or late, and hands over what a reader had no room for.</summary>
    /// <returns>Whether it goes on where it is: neither done nor blocked.</returns>
    private bool Look(Job job, long now, bool waits)
    {
        bool first = waits && job.Placed == 0;
        try
        {
            if (job.Cancelled)
                job.Abandon();
            else if (job.Deadline <= now && !job.Blocked)
                job.Expire();
            else if (first && job.WaitsUntil <= now && job.WasTried)
                job.Fail(SramFull());
            else if (job.Blocked)
                job.Deliver();
        }
        catch (Exception e)
        {
            job.Fail(e);
        }

        if (job.Done)
        {
            MayPlace = true;
            return false;
        }

        if (job.Blocked)
            return false;

        // Who does not wait is placed at once, or not at all: once it is tried, whatever the time.
        job.WasTried = true;
        NextTimer = Math.Min(NextTimer, Math.Min(job.Deadline, first ? job.WaitsUntil : long.MaxValue));
        return true;
    }

    private void Resume(Job job)
    {
        if (job.Line is { } line)
        {
            placer.Keep(line);
            (line.Use, line.Reserved) = (LineUse.Running, job.Cells);
            Running.Add(job);
        }
        else
        {
            Queue.Insert(job);
            MayPlace = true;
        }
    }

    private void Block(Job job)
    {
        Rest(job);
        _blocked.Add(job);
    }

    private void Rest(Job job)
    {
        job.Rest(placer);
        MayPlace = true;
    }

    private VaiUsageException SramFull() => new(
        VaiError.SramFull,
        $"The bank of '{name}' has no room: {Running.Count} of its {bank.Lines.Length} lines run, {bank.CellsUsed} of {bank.Cells} cells are "
        + "taken. Wait longer, end a transaction, or load the model with more SRAM or sessions.");

    private VaiUsageException TooLarge(Job job) => new(
        VaiError.SramFull,
        $"{job.Cells} tokens do not fit into the bank of '{name}' even when nothing else does: a line of it holds {bank.LineCells}. Shorten the prompt, "
        + "or load the model with more SRAM.");
}
