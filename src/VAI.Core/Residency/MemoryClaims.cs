using VAI.Native.Memory;

namespace VAI.Residency;

/// <summary>
/// Memory that was promised and is not taken yet, so that it looks free: what loads that go on side by side were told they may have, and what resident
/// models have allocated and no step of theirs has touched. Thread-safe.
/// </summary>
/// <param name="taken">What the process has of memory that is no file's; null to ask the kernel.</param>
internal sealed class MemoryClaims(Func<long>? taken = null)
{
    private readonly Lock _gate = new();
    private readonly Func<long> _taken = taken ?? MemoryRoom.AnonymousBytes;
    private long _loading;
    private long _resident;

    /// <summary>One judgement at a time.</summary>
    /// <param name="judge">Is told what others may still take, and says what this one may; throws if it does not fit.</param>
    /// <returns>To be disposed when all of it is taken, or nothing of it will be.</returns>
    public IDisposable Claim(Func<long, long> judge)
    {
        lock (_gate)
        {
            // What is not a model's is more than that in a large program, so that less is found to be untouched than is.
            long ofModels = _resident == 0 ? 0 : Math.Max(0, _taken() - MemoryRoom.ProcessBytes);
            return Hold(judge(_loading + Math.Max(0, _resident - ofModels)), resident: false);
        }
    }

    /// <summary>Counts what a model has allocated in the machine's memory.</summary>
    /// <returns>To be disposed with the model.</returns>
    public IDisposable Resident(long bytes)
    {
        lock (_gate)
            return Hold(bytes, resident: true);
    }

    private Held Hold(long bytes, bool resident)
    {
        Add(bytes, resident);
        return new Held(this, bytes, resident);
    }

    private void Add(long bytes, bool resident)
    {
        if (resident)
            _resident += bytes;
        else
            _loading += bytes;
    }

    private sealed class Held(MemoryClaims claims, long bytes, bool resident) : IDisposable
    {
        private long _bytes = bytes;

        public void Dispose()
        {
            lock (claims._gate)
                claims.Add(-Interlocked.Exchange(ref _bytes, 0), resident);
        }
    }
}
