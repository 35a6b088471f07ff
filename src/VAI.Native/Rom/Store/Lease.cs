using Microsoft.Win32.SafeHandles;
using VAI.Native.Memory;
using VAI.Native.Registry.Leases;

namespace VAI.Native.Rom;

/// <summary>
/// One use of an image: a shared lock on it, until disposal or the process's end, that keeps it from being evicted. Counting tokens
/// takes no lock and allocates nothing; any thread may.
/// </summary>
internal sealed class Lease : IDisposable
{
    private readonly Lock _gate = new();
    private readonly FileLock? _lock;
    private readonly LeaseTally? _tally;
    private long _tokens;
    private int _sessions;
    private bool _disposed;

    private Lease(FileLock? taken, LeaseTally? tally) => (_lock, _tally) = (taken, tally);

    /// <summary>Open sessions, as <c>vai status</c> shows them: the length of the lock.</summary>
    public int Sessions
    {
        get => _sessions;
        set
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                _sessions = value;
                _lock?.TryShareFirst(1 + Math.Clamp(value, 0, RomLocks.MaxSessions));
            }
        }
    }

    /// <summary>Tokens served under this lease.</summary>
    public long Tokens => Volatile.Read(ref _tokens);

    /// <summary>Says on which devices the weights are, besides the ROM: once they are there. It is forgotten with the lease.</summary>
    public void SetDevices(DeviceSet devices) => _tally?.SetDevices(devices);

    /// <summary>Takes a lease on an image; null where it is being removed.</summary>
    /// <param name="image">Open for reading, by a description of its own that is open for as long as the lease.</param>
    /// <param name="tally">Where the directory's owner counts; the lease ends it.</param>
    public static Lease? TryTake(SafeFileHandle image, Func<LeaseTally?> tally)
    {
        var held = new FileLock(image, RomLocks.NewLease());
        try
        {
            return held.TryShareFirst(1) ? new Lease(held, tally()) : null;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>One on a file system that has no locks, where nothing is evicted.</summary>
    public static Lease Unlocked() => new(null, null);

    /// <summary>Adds to <see cref="Tokens"/>.</summary>
    public void AddTokens(long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        _tally?.AddTokens(count);
        Interlocked.Add(ref _tokens, count);
    }

    /// <summary>Ends the lease, before its descriptor is closed. What it counted is added to the registry by the next sweep.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            _tally?.Dispose();
            _lock?.Dispose();
        }
    }
}
