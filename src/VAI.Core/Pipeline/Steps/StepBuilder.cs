using VAI.Native.Llama;
using VAI.Pipeline.Jobs;
using VAI.Sram;

namespace VAI.Pipeline.Steps;

/// <summary>
/// Puts steps together: the next token of every job that generates, then prompts, first due first, up to a budget. A step takes the cells
/// of its own rows: for what does not fit, caches and idle sessions make room, then prompts are cut, then who is due last loses its place.
/// While cells are on their way to be free (<see cref="SramPlacer.IsFreeing"/>) a step is of those who are due first, as far as cells are free,
/// and may be of none.
/// </summary>
/// <param name="llama">Has the batch.</param>
/// <param name="bank">The ledger.</param>
/// <param name="placer">Makes room.</param>
/// <param name="schedule">How logs are cut.</param>
/// <param name="budget">Rows of prompts in a step.</param>
/// <param name="apart">Whether each part is computed by itself, and put into a batch where that is done (<see cref="EncoderCores"/>).</param>
internal sealed class StepBuilder(LlamaContext llama, SramBank bank, SramPlacer placer, Schedule schedule, int budget, bool apart = false)
{
    // Of an encoder's step each text begins at a multiple of so many rows, and the rest is filled up. Attention and pooling sum over all rows
    // of a step, masked ones as zeros: so the order of the sums, and with it the vector, is the same alone and among others. Rows beyond
    // a multiple of four would take other kernels, too.
    private const int Alignment = 16;

    private int _sinceChunk;
    private int _filled;
    private int _most = int.MaxValue;

    /// <summary>The step.</summary>
    public List<StepPart> Parts { get; } = [];

    /// <summary>Its rows.</summary>
    public int Rows { get; private set; }

    /// <summary>Steps that a prompt of so many entries takes.</summary>
    public int StepsOf(int entries) => (entries + budget - 1) / budget;

    /// <summary>llama.cpp had no room for a step for which the ledger had: the next one asks for less.</summary>
    public void Shorten() => _most = Math.Max(1, Rows / 2);

    /// <summary>Makes the next step.</summary>
    /// <param name="running">The jobs that have a place; their order is changed where they go by turns.</param>
    /// <returns>Whether it took cells from nobody: false if the job that is due last must be parked first.</returns>
    public bool TryBuild(List<Job> running)
    {
        Parts.Clear();
        llama.Batch.Clear();
        Rows = _filled = 0;
        int tokens = 0;
        foreach (Job job in running)
            tokens += job.IsPrompt ? 0 : 1;
        bool prompts = tokens < running.Count;
        int rows = Math.Min(tokens, schedule.MostRows);
        bool all = placer.MakeRoom(rows);
        if (!all)
        {
            if (!placer.IsFreeing)
                return false;
            rows = Math.Min(rows, bank.CellsFree);
        }

        // Under the exact schedule a chunk is a step of its own: by turns, then, one chunk and one token of each that generates.
        if (schedule.Exact && tokens > 0 && prompts)
            (rows, prompts) = _sinceChunk >= tokens ? (0, true) : (rows, false);
        _sinceChunk = prompts ? 0 : Math.Min(_sinceChunk, tokens) + rows;
        if (rows > 0 && all && rows == tokens)
            AddTokens(running);
        else if (rows > 0 && all)
            AddTokensInTurn(running, rows);
        else if (rows > 0)
            AddTokens(running, rows);
        if (prompts)
            AddPrompts(running);
        _most = int.MaxValue;
        return Parts.Count > 0 || running.Count == 0 || placer.IsFreeing;
    }

    private void AddTokens(List<Job> running)
    {
        foreach (Job job in running)
        {
            if (!job.IsPrompt)
                Add(job, job.Demand(1));
        }
    }

    // Who had a row goes behind the others.
    private void AddTokensInTurn(List<Job> running, int rows)
    {
        for (int i = 0; rows > 0; i++)
        {
            Job job = running[i];
            if (job.IsPrompt)
                continue;
            Add(job, job.Demand(1));
            running.RemoveAt(i--);
            running.Add(job);
            rows--;
        }
    }

    // First due first.
    private void AddTokens(List<Job> running, int rows)
    {
        for (; rows > 0; rows--)
        {
            Job? next = null;
            foreach (Job job in running)
            {
                if (!job.IsPrompt && (next is null || job.Due < next.Due) && !IsPart(job))
                    next = job;
            }

            Add(next!, next!.Demand(1));
        }
    }

    private void AddPrompts(List<Job> running)
    {
        int left = Math.Min(budget, _most);
        while (left > 0 && NextPrompt(running) is { } job)
        {
            StepDemand demand = job.Demand(left);
            if (demand.Whole && demand.Rows > left && Parts.Count > 0)
                return;
            int taken = Rows;
            if (!placer.MakeRoom(taken + demand.Rows))
            {
                int free = bank.CellsFree - taken;
                if (free <= 0 || demand.Whole)
                    return;
                demand = job.Demand(free);
            }

            Add(job, demand);
            left = schedule.Exact ? 0 : left - (Rows - taken);
        }
    }

    /// <summary>The prompt that is due first and not in the step yet; ends of answers before it.</summary>
    private Job? NextPrompt(List<Job> running)
    {
        Job? next = null;
        foreach (Job job in running)
        {
            if (job.IsPrompt && (next is null || (job.IsTail == next.IsTail ? job.Due < next.Due : job.IsTail)) && !IsPart(job))
                next = job;
        }

        return next;
    }

    private bool IsPart(Job job)
    {
        foreach (StepPart part in Parts)
        {
            if (part.Job == job)
                return true;
        }

        return false;
    }

    private void Add(Job job, StepDemand demand)
    {
        SramLine line = job.Line!;
        ReadOnlySpan<int> log = job.Log;
        int from = line.Tokens.Count, end = from + demand.Rows;
        LlamaBatch batch = llama.Batch;
        Parts.Add(new StepPart(job, Rows, demand.Rows));
        Rows += demand.Rows;
        if (apart)
            return;
        for (int i = from; i < end; i++)
        {
            bool output = demand.Outputs == RowOutputs.All || (demand.Outputs == RowOutputs.Last && i == end - 1);
            batch.Add(Schedule.Id(log[i]), i, line.Sequence, output);
        }

        // On a sequence of its own, which sees nothing of the others and of which nothing is read.
        while (!llama.HasMemory && batch.Count % Alignment != 0)
            batch.Add(0, _filled++, bank.Lines.Length, logits: true);
        Rows = batch.Count;
    }
}
