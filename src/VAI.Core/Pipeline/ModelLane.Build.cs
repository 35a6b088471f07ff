using VAI.Native.Llama;
using VAI.Sram;

namespace VAI.Pipeline;

/// <content>What goes into a step.</content>
internal sealed partial class ModelLane
{
    private void Build()
    {
        _parts.Clear();
        _llama.Batch.Clear();
        MakeRoom();
        bool tokens = false, prompts = false;
        foreach (SequenceJob job in _running)
        {
            bool single = IsSingle(job);
            tokens |= single;
            prompts |= !single;
        }

        // Under the exact schedule a chunk is a step of its own: by turns, then.
        _promptsTurn = !_promptsTurn;
        if (_schedule.Exact && tokens && prompts)
            (tokens, prompts) = (!_promptsTurn, _promptsTurn);
        for (int i = 0; tokens && i < _running.Count; i++)
        {
            SequenceJob job = _running[i];
            if (!IsSingle(job))
                continue;
            Add(job, 1);
            if (!_schedule.Alone)
                continue;

            // By turns.
            _running.RemoveAt(i);
            _running.Add(job);
            break;
        }

        int budget = _promptTokens;
        while (prompts && budget > 0 && NextPrompt() is { } job)
        {
            // Rows with logits take as much memory each as the vocabulary is long, which no plan counts.
            int most = job.WantsRowsFrom < job.Target - 1 ? Math.Min(budget, Schedule.Chunk) : budget;
            int length = _schedule.Step(job.Session.LogSpan[..job.Target], job.Session.Line!.Tokens.Count, most);
            Add(job, length);
            budget = _schedule.Exact ? 0 : budget - length;
        }
    }

    private bool IsSingle(SequenceJob job)
    {
        int computed = job.Session.Line!.Tokens.Count;
        return _schedule.Exact ? job.Session.LogSpan[computed] < 0 : computed == job.Target - 1;
    }

    /// <summary>The prompt that is due first and not in the step yet.</summary>
    private SequenceJob? NextPrompt()
    {
        SequenceJob? next = null;
        foreach (SequenceJob job in _running)
        {
            if (!IsSingle(job) && (next is null || job.Due < next.Due) && !IsPart(job))
                next = job;
        }

        return next;
    }

    private bool IsPart(SequenceJob job)
    {
        foreach (Part part in _parts)
        {
            if (part.Job == job)
                return true;
        }

        return false;
    }

    private void Add(SequenceJob job, int length)
    {
        SramLine line = job.Session.Line!;
        ReadOnlySpan<int> log = job.Session.LogSpan;
        int from = line.Tokens.Count;
        LlamaBatch batch = _llama.Batch;
        for (int i = from; i < from + length; i++)
            batch.Add(Schedule.Id(log[i]), i, line.Sequence, logits: i == log.Length - 1 || i >= job.WantsRowsFrom);
        _parts.Add(new Part(job, length, batch.Count - 1));
    }

    // What runs may grow by one cell each; the one that is due last goes back to the queue if that is too much.
    private void MakeRoom()
    {
        while (_running.Count > 1 && !Placer.MakeRoom(_running.Count))
        {
            SequenceJob last = _running[0];
            foreach (SequenceJob job in _running)
                last = job.Due >= last.Due ? job : last;
            _running.Remove(last);
            Placer.Park(last.Session);
            Insert(_waiting, last);
        }

        if (_running.Count == 1)
            Placer.MakeRoom(1);
    }

    private readonly record struct Part(SequenceJob Job, int Length, int LastRow);
}
