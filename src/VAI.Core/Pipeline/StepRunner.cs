using VAI.Native.Llama;
using VAI.Pipeline.Compute;

namespace VAI.Pipeline;

/// <summary>Runs a step, and ends it early where it is one job's alone and that is cancelled.</summary>
/// <param name="llama">Has the batch.</param>
/// <param name="texts">Computes an encoder's steps instead, where there is one.</param>
/// <param name="compute">By how many threads; null for those of the context.</param>
internal sealed class StepRunner(LlamaContext llama, EncoderCores? texts, ComputeThreads? compute)
{
    private Job? _alone;

    /// <summary>A job was cancelled: a step that computes for it alone is of no use. From any thread.</summary>
    public void Cancel(Job job)
    {
        if (Volatile.Read(ref _alone) == job)
            llama.RequestAbort();
    }

    /// <exception cref="VaiException">llama.cpp failed.</exception>
    public DecodeStatus Run(List<StepPart> parts)
    {
        // SYNC POINT with Job.Cancel.
        llama.ClearAbort();
        Volatile.Write(ref _alone, parts.Count == 1 ? parts[0].Job : null);
        Interlocked.MemoryBarrier();
        try
        {
            if (parts.Count == 1 && parts[0].Job.Cancelled)
                return DecodeStatus.Aborted;
            compute?.Give(llama);
            return texts?.Run(parts) ?? llama.Decode();
        }
        finally
        {
            Volatile.Write(ref _alone, null);
        }
    }
}
