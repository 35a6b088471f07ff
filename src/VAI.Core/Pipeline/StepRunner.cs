using VAI.Native.Llama;

namespace VAI.Pipeline;

/// <summary>Runs a step, and ends it early where it is one job's alone and that is cancelled.</summary>
internal sealed class StepRunner(LlamaContext llama)
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
            return parts.Count == 1 && parts[0].Job.Cancelled ? DecodeStatus.Aborted : llama.Decode();
        }
        finally
        {
            Volatile.Write(ref _alone, null);
        }
    }
}
