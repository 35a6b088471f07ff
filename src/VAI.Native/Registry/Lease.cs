using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Memory;

namespace VAI.Native.Registry;

/// <summary>
/// One process's use of a ROM, from <see cref="LeaseTable.Take"/> to disposal or the process's end. Counting takes no lock
/// and allocates nothing; any thread may.
/// </summary>
internal sealed unsafe class Lease : IDisposable
{
    private readonly Hold _hold;

    internal Lease(int index, SafeFileHandle file, Segment map, LeaseRecord* record)
    {
        Index = index;
        _hold = new Hold(index, file, map, record);
    }

    /// <summary>Its place in the table.</summary>
    public int Index { get; }

    /// <summary>Open sessions, as <c>vai status</c> shows them.</summary>
    public int Sessions
    {
        get => _hold.Sessions(null);
        set => _hold.Sessions(value);
    }

    /// <summary>Tokens served under this lease.</summary>
    public long Tokens => _hold.AddTokens(0);

    /// <summary>Adds to <see cref="Tokens"/>.</summary>
    public void AddTokens(long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        _hold.AddTokens(count);
    }

    /// <summary>Ends the lease. What it counted is added to the registry by the next sweep.</summary>
    public void Dispose() => _hold.Dispose();

    /// <summary>The lock: released only when no thread is counting, since the record may then become somebody else's.</summary>
    private sealed class Hold : SafeHandle
    {
        private readonly int _index;
        private readonly SafeFileHandle _file;
        private readonly Segment _map;

        internal Hold(int index, SafeFileHandle file, Segment map, LeaseRecord* record)
            : base(0, ownsHandle: true)
        {
            (_index, _file, _map) = (index, file, map);
            // Finalizers come in any order: these two are to end after this.
            bool held = false;
            file.DangerousAddRef(ref held);
            map.DangerousAddRef(ref held);
            SetHandle((nint)record);
        }

        public override bool IsInvalid => handle == 0;

        private LeaseRecord* Record => (LeaseRecord*)handle;

        internal int Sessions(int? value)
        {
            bool held = false;
            DangerousAddRef(ref held);
            if (value is { } sessions)
                Volatile.Write(ref Record->Sessions, sessions);
            int now = Volatile.Read(ref Record->Sessions);
            DangerousRelease();
            return now;
        }

        internal long AddTokens(long count)
        {
            bool held = false;
            DangerousAddRef(ref held);
            long now = Interlocked.Add(ref Record->Tokens, count);
            DangerousRelease();
            return now;
        }

        protected override bool ReleaseHandle()
        {
            // Nothing to add to the registry, so no sweep is needed.
            if (Volatile.Read(ref Record->Tokens) == 0)
                new SharedWord(&Record->Id).WriteRelease(0);
            // Not by closing alone: a process that is just being started has a copy of the descriptor.
            FileLock.Release(_file, _index, 1);
            _file.DangerousRelease();
            _file.Dispose();
            _map.DangerousRelease();
            return true;
        }
    }
}
