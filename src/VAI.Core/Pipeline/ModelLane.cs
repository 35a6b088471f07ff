using System.Diagnostics;
using VAI.Diagnostics;
using VAI.Native.Llama;
using VAI.Pipeline.Jobs;
using VAI.Pipeline.Readers;
using VAI.Pipeline.Steps;
using VAI.Sram;

namespace VAI.Pipeline;

/// <summary>
/// What becomes of a model's jobs (<see cref="LaneJobs"/>). A step (<see cref="StepBuilder"/>, <see cref="StepRunner"/>) is one batch of all that run:
/// continuous batching. What goes wrong with one job ends that job, whatever it throws: its code runs while no list depends on it.
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
    private readonly LaneJobs _jobs;
    private readonly KvTransfers _transfers;

    private int _attention;
    private long _stepTicks;
    private volatile Exception? _closed;

    public ModelLane(
        string name, LlamaContext llama, SramBank bank, Schedule schedule, ParkingLot lot, KvStash? stash, PipelineThread pipeline, int promptTokens,
        EncoderCores? texts = null)
    {
        (_name, _llama, _bank, _stash, _pipeline) = (name, llama, bank, stash, pipeline);
        _transfers = new KvTransfers(llama);
        Placer = new SramPlacer(llama, bank, schedule, lot, stash, _transfers, Freed);
        _jobs = new LaneJobs(name, bank, Placer);
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
    public int Waiting => _jobs.Queue.Count;

    public long NextTimer => _jobs.NextTimer;

    public bool IsReady =>
        _jobs.Running.Count > 0
        || _transfers.Any
        || _jobs.Arriving.Count > 0
        || Volatile.Read(ref _attention) != 0
        || (_jobs.MayPlace && _jobs.Queue.Count > 0)
        || (NextTimer != long.MaxValue && NextTimer <= Stopwatch.GetTimestamp());

    public int Weight
    {
        get
        {
            int weight = 1;
            foreach (Job job in _jobs.Running)
                weight = Math.Max(weight, job.Weight);
            return weight;
        }
    }

    /// <summary>Gives the lane a job, which it ends at once if it has been closed. From any thread.</summary>
    public void Submit(Job job)
    {
        _jobs.Queue.Add(job);

        // SYNC POINT with Close: whichever comes second sees the other's store.
        Interlocked.MemoryBarrier();
        if (_closed is { } why)
            _jobs.EndNew(why);
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
    public void Freed() => _jobs.MayPlace = true;

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
            _jobs.KeepHouse();
        _transfers.Advance(_jobs.Running.Count > 0 ? _stepTicks : 0);
        Arrive();
        Place();
        while (!_step.TryBuild(_jobs.Running))
            _jobs.ParkLast();
        if (_step.Parts.Count == 0)
            return;
        Computed = true;
        Compute();
    }

    /// <summary>Ends what runs; what waits goes on waiting.</summary>
    public void Fail(Exception error) => _jobs.Fail(error);

    /// <summary>Ends all jobs, and each that comes later. On the pipeline's thread.</summary>
    public void Close(Exception why)
    {
        _closed = why;

        // SYNC POINT with Submit.
        Interlocked.MemoryBarrier();
        _jobs.End(why);
        _transfers.StopAll(why);
    }

    /// <summary>Strictly in order: whoever is due first is placed first, so that no stream of small ones starves a large one.</summary>
    private void Place()
    {
        bool again = false;
        while (_jobs.MayPlace && _jobs.Queue.TakeFirst() is { } job)
        {
            try
            {
                if (job.Target > 0 && !job.TryPlace(Placer, Growth(job)))
                {
                    _jobs.Queue.PutBack(job);
                    again = Placer.PutOff;
                    break;
                }

                if (job.Line is { Arrival: not null })
                {
                    _jobs.Arriving.Add(job);
                    continue;
                }
            }
            catch (Exception e)
            {
                _jobs.Ruin(job, e);
            }

            Start(job);
        }

        _jobs.MayPlace = _jobs.MayPlace && again;
    }

    /// <summary>Those whose KV has come take part in steps from now on.</summary>
    private void Arrive()
    {
        for (int i = 0; i < _jobs.Arriving.Count; i++)
        {
            Job job = _jobs.Arriving[i];
            if (job.Line is { Arrival: not null })
                continue;
            _jobs.Arriving.RemoveAt(i--);
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
            _jobs.Ruin(job, e);
        }

        _jobs.Settle(job);
    }

    // While a prompt is computed, each that generates takes a cell a step.
    private int Growth(Job job)
    {
        int generating = 0;
        foreach (Job other in _jobs.Running)
            generating += other.IsPrompt ? 0 : 1;
        return generating * _step.StepsOf(job.Target);
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
                _jobs.Running.Remove(part.Job);
                _jobs.Ruin(part.Job, e);
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
            _jobs.ParkLast();
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
                _jobs.Ruin(job, e);
            }

            if (job is { Done: false, Blocked: false })
                continue;
            _jobs.Running.Remove(job);
            _jobs.Settle(job);
        }

        _stash?.Copy(_transfers);
    }
}
