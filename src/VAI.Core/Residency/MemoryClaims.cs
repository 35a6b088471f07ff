namespace VAI.Residency;

/// <summary>
/// Memory that loads were told they may have, and have not taken yet: of those that go on side by side each would find what is free before
/// the others have taken theirs. Thread-safe.
/// </summary>
internal sealed class MemoryClaims
{
    private readonly Lock _gate = new();
    private long _bytes;

    /// <summary>One judgement at a time.</summary>
    /// <param name="judge">Is told what others may still take, and says what this one may; throws if it does not fit.</param>
    /// <returns>To be disposed when all of it is taken, or nothing of it will be.</returns>
    public IDisposable Claim(Func<long, long> judge)
    {
        lock (_gate)
        {
            long bytes = judge(_bytes);
            _bytes += bytes;
            return new Held(this, bytes);
        }
    }

    private sealed class Held(MemoryClaims claims, long bytes) : IDisposable
    {
        private long _bytes = bytes;

        public void Dispose()
        {
            lock (claims._gate)
                claims._bytes -= Interlocked.Exchange(ref _bytes, 0);
        }
    }
}
