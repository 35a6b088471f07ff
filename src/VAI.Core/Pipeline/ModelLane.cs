using System.Diagnostics;
using VAI.Diagnostics;
using VAI.Native.Llama;
using VAI.Pipeline.Jobs;
using VAI.Pipeline.Readers;
using VAI.Pipeline.Steps;
using VAI.Sram;

namespace VAI.Pipeline;

/// <summary>
/// A model's jobs and what becomes of them: those that wait for SRAM (<see cref="JobQueue"/>), those whose KV is on its way to their line,
/// those that run, and those whose reader is behind. A step (<see cref="StepBuilder"/>, <see cref="StepRunner"/>) is one batch of all that run: continuous batching. What goes
/// wrong with one job ends that job, whatever it throws: its code runs while no list depends on it.
/// </summary>
internal sealed class ModelLane : ILane
{
    private readonly string _name;
    private readonly LlamaContext _llama;
    private readonly SramBank _bank;
    private readonly PipelineThread _pipeline;
    private readonly KvStash? _stash;
    private readonly StepBuilder _step;
    private readonly StepRunner _runner;
    private readonly JobQueue _queue = new();
    private readonly List<Job> _arriving = [];
    private readonly List<Job> _running = [];
    private readonly List<Job> _blocked = [];

    private readonly KvTransfers _transfers;

    private int _attention;
    private long _stepTicks;
    private bool _mayPlace;
    private volatile Exception? _closed;

    public ModelLane(
        string name, LlamaContext llama, SramBank bank, Schedule schedule, ParkingLot lot, KvStash? stash, PipelineThread pipeline, int promptTokens,
        EncoderCores? texts = null)
    {
        (_name, _llama, _bank, _stash, _pipeline) = (name, llama, bank, stash, pipeline);
        _transfers = new KvTransfers(llama);
        Placer = new SramPlacer(llama, bank, schedule, lot, stash, _transfers, Freed);
        _step = new StepBuilder(llama, bank, Placer, schedule, promptTokens, apart: texts is not null);
        _runner = new StepRunner(llama, texts, pipeline.Compute);
    }

    public string Name => _name;

    public SramPlacer Placer { get; }

    /// <summary>Who wakes the readers of its transactions.</summary>
    public ReaderThread Readers => _pipeline.Readers;

    public bool Computed { get; private set; }

    public bool Began { get; private set; }

    /// <summary>Jobs that wait for SRAM. From any thread, as of some moment.</summary>
    public int Waiting => _queue.Count;

    public long NextTimer { get; private set; } = long.MaxValue;

    public bool IsReady =>
        _running.Count > 0
        || _transfers.Any
        || _arriving.Count > 0
        || Volatile.Read(ref _attention) != 0
        || (_mayPlace && _queue.Count > 0)
        || (NextTimer != long.MaxValue && NextTimer <= Stopwatch.GetTimestamp());

    public int Weight
    {
        get
        {
            int weight = 1;
            foreach (Job job in _running)
                weight = Math.Max(weight, job.Weight);
            return weight;
        }
    }

    /// <summary>Gives the lane a job, which it ends at once if it has been closed. From any thread.</summary>
    public void Submit(Job job)
    {
        _queue.Add(job);

        // SYNC POINT with Close: whichever comes second sees the other's store.
        Interlocked.MemoryBarrier();
        if (_closed is { } why)
            EndNew(why);
        else
            Wake();
    }

    /// <summary>Has the lane look at its jobs again: a reader has read, or a job was cancelled. From any thread.</summary>
    public void Wake()
    {
        Volatile.Write(ref _attention, 1);
        _pipeline.Wake();
    }

    /// <summary>Something of the bank was given back. On the pipeline's thread.</summary>
    public void Freed() => _mayPlace = true;

    /// <summary>A transaction has handed over its first token. On the pipeline's thread.</summary>
    public void Begun() => Began = true;

    /// <summary>A job was cancelled. From any thread.</summary>
    public void CancelStep(Job job)
    {
        _runner.Cancel(job);
        Wake();
    }

    public void Step()
    {
        Computed = Began = false;
        if (Interlocked.Exchange(ref _attention, 0) != 0 || NextTimer <= Stopwatch.GetTimestamp())
            KeepHouse();
        _transfers.Advance(_running.Count > 0 ? _stepTicks : 0);
        Arrive();
        Place();
        while (!_step.TryBuild(_running))
            ParkLast();
        if (_step.Parts.Count == 0)
            return;
        Computed = true;
        Compute();
    }

    /// <summary>Ends what runs; what waits goes on waiting.</summary>
    public void Fail(Exception error)
    {
        foreach (Job job in (Job[])[.. _running, .. _arriving])
            Ruin(job, error);
        _running.Clear();
        _arriving.Clear();
        _mayPlace = true;
    }

    /// <summary>Ends all jobs, and each that comes later. On the pipeline's thread.</summary>
    public void Close(Exception why)
    {
        _closed = why;

        // SYNC POINT with Submit.
        Interlocked.MemoryBarrier();
        EndNew(why);
        Fail(why);
        foreach (Job job in _blocked)
            Ruin(job, why);
        _blocked.Clear();
        while (_queue.TakeFirst() is { } job)
            Ruin(job, why);
        _transfers.StopAll(why);
    }

    private void EndNew(Exception why)
    {
        while (_queue.TryTakeNew(out Job? job))
            job.Fail(why);
    }

    private void KeepHouse()
    {
        while (_queue.TryTakeNew(out Job? job))
        {
            try
            {
                job.Begin();
                if (!job.Done && job.Cells > _bank.LineCells)
                    job.Fail(TooLarge(job));
            }
            catch (Exception e)
            {
                job.Fail(e);
            }

            if (!job.Done)
                _queue.Insert(job);
            _mayPlace = true;
        }

        long now = Stopwatch.GetTimestamp();
        NextTimer = long.MaxValue;
        for (int i = _queue.Waiting.Count - 1; i >= 0; i--)
        {
            Job job = _queue.Waiting[i];
            if (Look(job, now, waits: true))
                continue;
            _queue.RemoveAt(i);
            if (job.Blocked)
                Block(job);
        }

        for (int i = _arriving.Count - 1; i >= 0; i--)
        {
            Job job = _arriving[i];
            if (Look(job, now, waits: false))
                continue;
            _arriving.RemoveAt(i);
            if (job.Line is { } line)
                Placer.StopArrival(line);
            if (job.Done)
                Rest(job);
            else
                Block(job);
        }

        for (int i = _running.Count - 1; i >= 0; i--)
        {
            Job job = _running[i];
            if (Look(job, now, waits: false))
                continue;
            _running.RemoveAt(i);
            if (job.Done)
                Rest(job);
            else
                Block(job);
        }

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
            _mayPlace = true;
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
            Placer.Keep(line);
            (line.Use, line.Reserved) = (LineUse.Running, job.Cells);
            _running.Add(job);
        }
        else
        {
            _queue.Insert(job);
            _mayPlace = true;
        }
    }

    /// <summary>Strictly in order: whoever is due first is placed first, so that no stream of small ones starves a large one.</summary>
    private void Place()
    {
        bool again = false;
        while (_mayPlace && _queue.TakeFirst() is { } job)
        {
            try
            {
                if (job.Target > 0 && !job.TryPlace(Placer, Growth(job)))
                {
                    _queue.PutBack(job);
                    again = Placer.PutOff;
                    break;
                }

                if (job.Line is { Arrival: not null })
                {
                    _arriving.Add(job);
                    continue;
                }
            }
            catch (Exception e)
            {
                Ruin(job, e);
            }

            Start(job);
        }

        _mayPlace = _mayPlace && again;
    }

    /// <summary>Those whose KV has come take part in steps from now on.</summary>
    private void Arrive()
    {
        for (int i = 0; i < _arriving.Count; i++)
        {
            Job job = _arriving[i];
            if (job.Line is { Arrival: not null })
                continue;
            _arriving.RemoveAt(i--);
            Start(job);
        }
    }

    private void Start(Job job)
    {
        try
        {
            int reused = job.Line?.Tokens.Count ?? 0;
            if (job is { Target: > 0, Done: false })
                job.Begun(reused);
            if (reused >= job.Target && !job.Done)
                job.Commit(_llama, default);
        }
        catch (Exception e)
        {
            Ruin(job, e);
        }

        Settle(job);
    }

    // Where a job belongs that is in no list.
    private void Settle(Job job)
    {
        if (job.Done)
            Rest(job);
        else if (job.Blocked)
            Block(job);
        else
            _running.Add(job);
    }

    // While a prompt is computed, each that generates takes a cell a step.
    private int Growth(Job job)
    {
        int generating = 0;
        foreach (Job other in _running)
            generating += other.IsPrompt ? 0 : 1;
        return generating * _step.StepsOf(job.Target);
    }

    // Of those that have a place; at least one goes on, as any job alone fits an empty bank.
    private void ParkLast()
    {
        Job last = _running[0];
        foreach (Job job in _running)
            last = job.Due >= last.Due ? job : last;
        foreach (Job job in _arriving)
            last = job.Due >= last.Due ? job : last;
        if (!_running.Remove(last))
            _arriving.Remove(last);
        if (_running.Count + _arriving.Count == 0)
        {
            Ruin(last, SramFull());
            return;
        }

        try
        {
            last.Park(Placer);
            _queue.Insert(last);
        }
        catch (Exception e)
        {
            Ruin(last, e);
        }
    }

    private void Compute()
    {
        long start = Stopwatch.GetTimestamp();
        DecodeStatus status;
        try
        {
            status = _runner.Run(_step.Parts);
        }
        catch (VaiException e)
        {
            foreach (StepPart part in _step.Parts)
            {
                _running.Remove(part.Job);
                Ruin(part.Job, e);
            }

            return;
        }

        if (status == DecodeStatus.Ok)
        {
            Advance(start);
            return;
        }

        foreach (StepPart part in _step.Parts)
            Placer.Resync(part.Job.Line!);
        if (status == DecodeStatus.SramFull)
            GiveWay();
    }

    // The ledger had room where llama.cpp had none (of a sliding window it keeps a cache of its own). It is nobody's fault: one by one
    // caches go, prompts are cut, and whoever is due last waits, and the step is made again.
    private void GiveWay()
    {
        if (Placer.GiveUpOne() || Placer.IsFreeing)
            return;
        if (_step.Rows > _step.Parts.Count)
            _step.Shorten();
        else
            ParkLast();
    }

    private void Advance(long start)
    {
        Telemetry.Stepped(_name, _step.Rows, start);
        long end = Stopwatch.GetTimestamp();
        _stepTicks = end - start;
        foreach (StepPart part in _step.Parts)
        {
            Job job = part.Job;
            try
            {
                SramLine line = job.Line!;
                _bank.Extend(line, job.Log.Slice(line.Tokens.Count, part.Rows));
                _bank.Touch(line);
                job.Stepped(start, end, _llama.Threads);
                if (job is SequenceJob { Session: var session })
                    _stash?.Stepped(session, (end - start) / _step.Parts.Count);
                job.Commit(_llama, part.First..(part.First + part.Rows));
                line.Reserved = job.Cells;
            }
            catch (Exception e)
            {
                Ruin(job, e);
            }

            if (job is { Done: false, Blocked: false })
                continue;
            _running.Remove(job);
            Settle(job);
        }

        _stash?.Copy(_transfers);
    }

    private void Block(Job job)
    {
        job.Rest(Placer);
        _blocked.Add(job);
        _mayPlace = true;
    }

    private void Rest(Job job)
    {
        job.Rest(Placer);
        _mayPlace = true;
    }

    // Ends a job that something went wrong with, in whatever state its line is.
    private void Ruin(Job job, Exception error)
    {
        job.Fail(error);
        try
        {
            job.Spoil(Placer);
        }
        catch (Exception)
        {
            // What is left is taken back with the line's next use.
        }

        _mayPlace = true;
    }

    private VaiUsageException SramFull() => new(
        VaiError.SramFull,
        $"The bank of '{_name}' has no room: {_running.Count} of its {_bank.Lines.Length} lines run, {_bank.CellsUsed} of {_bank.Cells} cells are "
        + "taken. Wait longer, end a transaction, or load the model with more SRAM or sessions.");

    private VaiUsageException TooLarge(Job job) => new(
        VaiError.SramFull,
        $"{job.Cells} tokens do not fit into the bank of '{_name}' even when nothing else does: a line of it holds {_bank.LineCells}. Shorten the prompt, "
        + "or load the model with more SRAM.");
}
