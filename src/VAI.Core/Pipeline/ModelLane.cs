using System.Collections.Concurrent;
using System.Diagnostics;
using VAI.Diagnostics;
using VAI.Native.Llama;
using VAI.Sram;

namespace VAI.Pipeline;

/// <summary>
/// A model's jobs: those that wait for SRAM, those that run, and those whose reader is behind. A step is one batch of all that
/// run: the next token of each, and prompts up to a budget (continuous batching).
/// </summary>
internal sealed partial class ModelLane : ILane
{
    // What is reached without a step has no logits.
    private const int NoRow = -1;

    private readonly string _name;
    private readonly LlamaContext _llama;
    private readonly SramBank _bank;
    private readonly Schedule _schedule;
    private readonly PipelineThread _pipeline;
    private readonly KvStash? _stash;
    private readonly int _promptTokens;
    private readonly ConcurrentQueue<SequenceJob> _incoming = new();

    // In the order of their due times.
    private readonly List<SequenceJob> _waiting = [];
    private readonly List<SequenceJob> _running = [];
    private readonly List<SequenceJob> _blocked = [];
    private readonly List<Part> _parts = [];

    private SequenceJob? _alone;
    private int _attention;
    private bool _mayPlace;
    private bool _promptsTurn;

    public ModelLane(
        string name, LlamaContext llama, SramBank bank, Schedule schedule, ParkingLot lot, KvStash? stash, PipelineThread pipeline, int promptTokens)
    {
        _stash = stash;
        (_name, _llama, _bank, _schedule, _pipeline, _promptTokens) = (name, llama, bank, schedule, pipeline, promptTokens);
        Placer = new SramPlacer(llama, bank, schedule, lot, stash);
    }

    public string Name => _name;

    public SramPlacer Placer { get; }

    /// <summary>Who wakes the readers of its transactions.</summary>
    public ReaderThread Readers => _pipeline.Readers;

    public bool Computed { get; private set; }

    public bool Began { get; private set; }

    /// <summary>Jobs that wait for SRAM. From any thread, as of some moment.</summary>
    public int Waiting => _waiting.Count;

    public long NextTimer { get; private set; } = long.MaxValue;

    public bool IsReady =>
        _running.Count > 0
        || Volatile.Read(ref _attention) != 0
        || (_mayPlace && _waiting.Count > 0)
        || (NextTimer != long.MaxValue && NextTimer <= Stopwatch.GetTimestamp());

    public int Weight
    {
        get
        {
            int weight = 1;
            foreach (SequenceJob job in _running)
                weight = Math.Max(weight, job.Weight);
            return weight;
        }
    }

    /// <summary>Gives the lane a job. From any thread.</summary>
    public void Submit(SequenceJob job)
    {
        _incoming.Enqueue(job);
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

    /// <summary>A job was cancelled: a step that computes for it alone is of no use. From any thread.</summary>
    public void CancelStep(SequenceJob job)
    {
        if (Volatile.Read(ref _alone) == job)
            _llama.RequestAbort();
        Wake();
    }

    public void Step()
    {
        Computed = Began = false;
        if (Interlocked.Exchange(ref _attention, 0) != 0 || NextTimer <= Stopwatch.GetTimestamp())
            KeepHouse();
        Place();
        Build();
        if (_parts.Count == 0)
            return;
        Computed = true;
        Decode();
    }

    public void Fail(Exception error)
    {
        foreach (SequenceJob job in _running.ToArray())
        {
            job.Fail(error);
            Placer.Drop(job.Session);
        }

        _running.Clear();
        _mayPlace = true;
    }

    private static void Insert(List<SequenceJob> jobs, SequenceJob job)
    {
        int at = jobs.Count;
        while (at > 0 && jobs[at - 1].Due > job.Due)
            at--;
        jobs.Insert(at, job);
    }

    private void KeepHouse()
    {
        while (_incoming.TryDequeue(out SequenceJob? job))
        {
            Guarded(job, static j => j.Begin());
            if (!job.Done)
                Insert(_waiting, job);
            _mayPlace = true;
        }

        long now = Stopwatch.GetTimestamp();
        NextTimer = long.MaxValue;
        Review(_waiting, now);
        Review(_running, now);
        Review(_blocked, now);
    }

    // Ends what is cancelled or late, and brings back whose reader has read.
    private void Review(List<SequenceJob> jobs, long now)
    {
        for (int i = jobs.Count - 1; i >= 0; i--)
        {
            SequenceJob job = jobs[i];
            if (job.Cancelled)
                Guarded(job, static j => j.Abandon());
            else if (job.Deadline <= now && !job.Blocked)
                Guarded(job, static j => j.Expire());
            else if (jobs == _waiting && job.WaitsUntil <= now && job.Placed == 0)
                Guarded(job, j => j.Fail(SramFull()));
            else if (job.Blocked)
                Guarded(job, static j => j.Deliver());
            if (!job.Blocked)
                NextTimer = Math.Min(NextTimer, Math.Min(job.Deadline, jobs == _waiting && job.Placed == 0 ? job.WaitsUntil : long.MaxValue));
            if (job.Done)
            {
                jobs.RemoveAt(i);
                Finish(job);
            }
            else if (jobs == _blocked && !job.Blocked)
            {
                jobs.RemoveAt(i);
                Resume(job);
            }
            else if (jobs != _blocked && job.Blocked)
            {
                jobs.RemoveAt(i);
                Block(job);
            }
        }
    }

    private void Resume(SequenceJob job)
    {
        if (job.Session.Line is { } line)
        {
            line.Use = LineUse.Running;
            _running.Add(job);
        }
        else
        {
            Insert(_waiting, job);
            _mayPlace = true;
        }
    }

    /// <summary>Strictly in order: whoever is due first is placed first, so that no stream of small ones starves a large one.</summary>
    private void Place()
    {
        while (_mayPlace && _waiting.Count > 0)
        {
            SequenceJob job = _waiting[0];
            bool placed = job.Target <= 0;
            Exception? error = null;
            try
            {
                placed = placed || Placer.TryPlace(job.Session, Promised(), job.WantsRowsFrom);
            }
            catch (VaiException e)
            {
                error = e;
            }

            if (!placed && error is null)
                break;
            _waiting.RemoveAt(0);
            if (error is not null)
                job.Fail(error);
            else if (job.Session.Line is { } line && job.Target > 0)
                Start(job, line);
            else
                Reach(job, NoRow);
            if (job.Done)
                Finish(job);
        }

        _mayPlace = false;
    }

    private void Start(SequenceJob job, SramLine line)
    {
        job.Place(line.Tokens.Count);
        if (line.Tokens.Count >= job.Target)
            Reach(job, NoRow);
        else
            _running.Add(job);
    }

    private int Promised()
    {
        int promised = 0;
        foreach (SequenceJob job in _running)
            promised += job.Target - job.Session.Line!.Tokens.Count + 1;
        return promised;
    }

    private void Decode()
    {
        // SYNC POINT with SequenceJob.Cancel.
        _llama.ClearAbort();
        Volatile.Write(ref _alone, _parts.Count == 1 ? _parts[0].Job : null);
        Interlocked.MemoryBarrier();
        if (_parts.Count == 1 && _parts[0].Job.Cancelled)
            return;
        long start = Stopwatch.GetTimestamp();
        DecodeStatus status;
        try
        {
            status = _llama.Decode();
        }
        catch (VaiException e)
        {
            Undo(e);
            return;
        }
        finally
        {
            Volatile.Write(ref _alone, null);
        }

        if (status == DecodeStatus.Ok)
            Advance(start);
        else
            Undo(status == DecodeStatus.Aborted ? null : SramFull());
    }

    private void Advance(long start)
    {
        Telemetry.Stepped(_name, _llama.Batch.Count, start);
        long end = Stopwatch.GetTimestamp();
        foreach (Part part in _parts)
        {
            SequenceJob job = part.Job;
            SramLine line = job.Session.Line!;
            int from = line.Tokens.Count, wanted = Math.Max(from, job.WantsRowsFrom), until = Math.Min(from + part.Length, job.Target - 1);
            if (wanted < until)
                job.Computed(_llama, part.LastRow - part.Length + 1 + wanted - from, wanted, until - wanted);
            _bank.Extend(line, job.Session.LogSpan.Slice(from, part.Length));
            _bank.Touch(line);
            job.Stepped(start, end);
            _stash?.Stepped(job.Session, (end - start) / _parts.Count);
            if (line.Tokens.Count < job.Target)
                continue;
            Reach(job, part.LastRow);
            if (job.Done || job.Blocked)
                _running.Remove(job);
            if (job.Done)
                Finish(job);
            else if (job.Blocked)
                Block(job);
        }

        _stash?.Copy();
    }

    private void Block(SequenceJob job)
    {
        if (job.Session.Line is { } line)
            line.Use = LineUse.Blocked;
        _blocked.Add(job);
        _mayPlace = true;
    }

    private void Undo(Exception? error)
    {
        foreach (Part part in _parts)
        {
            Placer.Resync(part.Job.Session.Line!);
            if (error is null)
                continue;
            part.Job.Fail(error);
            _running.Remove(part.Job);
            Finish(part.Job);
        }
    }

    private void Finish(SequenceJob job)
    {
        if (job.Session.Line is { } line)
            line.Use = LineUse.Idle;
        _mayPlace = true;
    }

    // Every token passes here: no delegate that would have to capture the row.
    private void Reach(SequenceJob job, int row)
    {
        try
        {
            job.Reached(_llama, row);
        }
        catch (Exception e) when (IsTheJobs(e))
        {
            job.Fail(e);
        }
    }

    private static void Guarded(SequenceJob job, Action<SequenceJob> act)
    {
        try
        {
            act(job);
        }
        catch (Exception e) when (IsTheJobs(e))
        {
            job.Fail(e);
        }
    }

    private static bool IsTheJobs(Exception error) => error is VaiException or ArgumentException or InvalidOperationException;

    private VaiUsageException SramFull() => new(
        VaiError.SramFull,
        $"The bank of '{_name}' has no room: {_running.Count} of its {_bank.Lines.Length} lines run, {_bank.CellsUsed} of {_bank.Cells} cells are "
        + "taken. Wait longer, end a transaction, or load the model with a larger SramTokens or MaxSessions.");
}
