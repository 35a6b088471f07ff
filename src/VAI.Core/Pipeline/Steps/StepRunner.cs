using System.Diagnostics;
using VAI.Native.Llama;
using VAI.Pipeline.Compute;
using VAI.Pipeline.Jobs;

namespace VAI.Pipeline.Steps;

/// <summary>
/// Runs a step, and ends it early where it is one job's alone and that is cancelled, or where it takes many times what such steps take: its threads
/// lost a core, and it is made again on fewer.
/// </summary>
/// <param name="llama">Has the batch.</param>
/// <param name="texts">Computes an encoder's steps instead, where there is one.</param>
/// <param name="compute">By how many threads; null for those of the context.</param>
internal sealed class StepRunner(LlamaContext llama, EncoderCores? texts, ComputeThreads? compute)
{
    // Steps that go on however long they take, after one that was ended in vain.
    private const int Patience = 200;

    private readonly StepTimes _times = new();
    private Job? _alone;
    private int _late;
    private int _patience;

    /// <summary>A job was cancelled: a step that computes for it alone is of no use. From any thread.</summary>
    public void Cancel(Job job)
    {
        if (Volatile.Read(ref _alone) == job)
            llama.RequestAbort();
    }

    /// <exception cref="VaiException">llama.cpp failed.</exception>
    public DecodeStatus Run(List<StepPart> parts)
    {
        compute?.Give(llama);
        if (_late > 0)
            (_late, _patience) = (0, llama.Threads < _late ? 0 : Patience);
        long start = Stopwatch.GetTimestamp();
        int rows = llama.Batch.Count;
        long limit = rows > 0 && texts is null && llama.Threads > 1 && compute is { IsFixed: false } && llama.CanRepeat && _patience-- <= 0
            ? _times.LimitOf(rows)
            : long.MaxValue;

        // SYNC POINT with Job.Cancel.
        llama.ClearAbort(limit == long.MaxValue ? limit : start + limit);
        Volatile.Write(ref _alone, parts.Count == 1 ? parts[0].Job : null);
        Interlocked.MemoryBarrier();
        try
        {
            if (parts.Count == 1 && parts[0].Job.Cancelled)
                return DecodeStatus.Aborted;
            if (texts is not null)
                return texts.Run(parts);
            DecodeStatus status = llama.Decode();
            if (status == DecodeStatus.Ok && llama.Threads == compute?.Most)
                _times.Took(rows, Stopwatch.GetTimestamp() - start);
            else if (status == DecodeStatus.Aborted && llama.WasLate)
                _late = llama.Threads;
            return status;
        }
        finally
        {
            Volatile.Write(ref _alone, null);
        }
    }
}
