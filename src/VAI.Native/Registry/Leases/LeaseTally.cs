using System.Runtime.InteropServices;
using VAI.Native.Memory;

namespace VAI.Native.Registry.Leases;

/// <summary>
/// What one lease has served, and on which devices, from <see cref="LeaseTable.Take"/> to disposal or the process's end. Counting
/// takes no lock and allocates nothing; any thread may.
/// </summary>
internal sealed unsafe class LeaseTally : IDisposable
{
    private readonly Hold _hold;

    internal LeaseTally(int index, FileLock held, Segment map, LeaseRecord* record)
    {
        Index = index;
        _hold = new Hold(held, map, record);
    }

    /// <summary>Its place in the table.</summary>
    public int Index { get; }

    /// <summary>Tokens served under this lease.</summary>
    public long Tokens => _hold.AddTokens(0);

    /// <summary>Adds to <see cref="Tokens"/>.</summary>
    /// <exception cref="ObjectDisposedException">The lease has ended.</exception>
    public void AddTokens(long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        _hold.AddTokens(count);
    }

    /// <summary>Says where the weights are besides the ROM: once they are there. It is forgotten with the lease.</summary>
    /// <exception cref="ObjectDisposedException">The lease has ended.</exception>
    public void SetDevices(DeviceSet devices) => _hold.SetDevices(devices);

    /// <summary>Ends the counting. What it counted is added to the registry by the next sweep.</summary>
    public void Dispose() => _hold.Dispose();

    /// <summary>The lock: released only when no thread is counting, since the record may then become somebody else's.</summary>
    private sealed class Hold : SafeHandle
    {
        private readonly FileLock _lock;
        private readonly Segment _map;

        internal Hold(FileLock held, Segment map, LeaseRecord* record)
            : base(0, ownsHandle: true)
        {
            (_lock, _map) = (held, map);
            // Finalizers come in any order: these two are to end after this.
            bool added = false;
            held.Handle.DangerousAddRef(ref added);
            map.DangerousAddRef(ref added);
            SetHandle((nint)record);
        }

        public override bool IsInvalid => handle == 0;

        private LeaseRecord* Record => (LeaseRecord*)handle;

        internal long AddTokens(long count)
        {
            bool held = false;
            DangerousAddRef(ref held);
            long now = Interlocked.Add(ref Record->Tokens, count);
            DangerousRelease();
            return now;
        }

        internal void SetDevices(DeviceSet devices)
        {
            bool held = false;
            DangerousAddRef(ref held);
            // One aligned word, behind an id that was there before it: a reader has the old set or the new one.
            Volatile.Write(ref Record->Devices, devices.Bits);
            DangerousRelease();
        }

        protected override bool ReleaseHandle()
        {
            // Nothing to add to the registry, so no sweep is needed.
            if (Volatile.Read(ref Record->Tokens) == 0)
                new SharedWord(&Record->Id).WriteRelease(0);
            _lock.Dispose();
            _lock.Handle.DangerousRelease();
            _map.DangerousRelease();
            return true;
        }
    }
}
