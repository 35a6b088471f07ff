using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;
using VAI.Native.Memory;

namespace VAI.Native.Registry;

/// <summary>Who uses which ROM: leases of live processes, and the counts of those that ended since the last sweep.</summary>
/// <remarks>Safe to use from many threads. Layout and ownership: <see cref="LeaseLayout"/>.</remarks>
internal sealed unsafe class LeaseTable : IDisposable
{
    private readonly TableFile _table;

    private LeaseTable(TableFile table) => _table = table;

    /// <summary>How many leases there can be.</summary>
    public int Capacity => LeaseLayout.RecordCount;

    /// <summary>Path of the file.</summary>
    public string Path => _table.Path;

    /// <summary>Opens the table for reading and writing, and makes it if there is none.</summary>
    /// <param name="directory">The ROM directory.</param>
    /// <param name="mode">The file's permissions if it is made: 0600, or 0660 where the directory has a group.</param>
    /// <inheritdoc cref="RomRegistry.Open" path="/exception"/>
    public static LeaseTable Open(string directory, uint mode = 0x180) =>
        new(TableFile.OpenOrCreate(directory, LeaseLayout.Shape, mode));

    /// <summary>Opens the table for reading, or also for taking leases; null if there is none.</summary>
    /// <inheritdoc cref="RomRegistry.Open" path="/exception"/>
    public static LeaseTable? TryOpen(string directory, bool writable = false) =>
        TableFile.TryOpen(directory, LeaseLayout.Shape, writable) is { } table ? new(table) : null;

    /// <summary>Takes a free record, until the lease's disposal or the end of the process.</summary>
    /// <param name="romKey">The ROM's digest, of which the first 16 bytes count.</param>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RegistryFull"/>: none is free. Sweep, and try again.</exception>
    public Lease Take(ReadOnlySpan<byte> romKey)
    {
        var key = MemoryMarshal.Read<UInt128>(romKey);
        using Segment.Access access = _table.Map.Enter();
        SafeFileHandle own = Reopen();
        try
        {
            for (int i = 0; i < Capacity; i++)
            {
                LeaseRecord* record = Record(access, i);
                if (IdOf(record).ReadAcquire() != 0 || !FileLock.TryTake(own, i, 1))
                    continue;
                // Another may have taken it and died in between; then it is the sweep's.
                if (IdOf(record).ReadAcquire() != 0)
                {
                    FileLock.Release(own, i, 1);
                    continue;
                }

                (record->RomKey, record->Tokens, record->Sessions) = (key, 0, 0);
                (record->Pid, record->Start) = (ProcessIdentity.Current.Pid, ProcessIdentity.Current.Start);
                record->TakenAtUnixMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
                // SYNC POINT with TryRead: whoever sees the id sees the record.
                IdOf(record).WriteRelease((ulong)Random.Shared.NextInt64(1, long.MaxValue));
                return new Lease(i, own, _table.Map, record);
            }
        }
        catch
        {
            own.Dispose();
            throw;
        }

        own.Dispose();
        throw RegistryErrors.Full(Path, $"all {Capacity} leases are in use. Unload models, or end processes that hold them.");
    }

    /// <summary>
    /// How many leases and sessions of live processes a ROM has, and the tokens that are not in the registry's total yet:
    /// those of the live, and those of the dead that no sweep has added.
    /// </summary>
    /// <param name="romKey">The ROM's digest, of which the first 16 bytes count.</param>
    public (int Leases, int Sessions, long Tokens) Count(ReadOnlySpan<byte> romKey)
    {
        var key = MemoryMarshal.Read<UInt128>(romKey);
        (int leases, int sessions, long tokens) = (0, 0, 0L);
        using Segment.Access access = _table.Map.Enter();
        for (int i = 0; i < Capacity; i++)
        {
            if (!TryRead(access, i, out LeaseRecord record) || record.RomKey != key)
                continue;
            tokens += record.Tokens;
            if (!IsHeld(i))
                continue;
            leases++;
            sessions += record.Sessions;
        }

        return (leases, sessions, tokens);
    }

    /// <summary>All leases, also dead ones that wait to be swept.</summary>
    public List<LeaseInfo> ReadAll()
    {
        var leases = new List<LeaseInfo>();
        using Segment.Access access = _table.Map.Enter();
        for (int i = 0; i < Capacity; i++)
        {
            if (TryRead(access, i, out LeaseRecord r))
                leases.Add(new(i, new(r.Pid, r.Start), r.RomKey, r.Sessions, r.Tokens, r.TakenAtUnixMs, IsHeld(i)));
        }

        return leases;
    }

    /// <summary>Adds the tokens of dead leases to their ROMs' entries and frees their records.</summary>
    /// <param name="writer">Keeps other sweeps away; nobody else touches a dead record.</param>
    /// <remarks>
    /// The entry names the lease whose tokens it took last, in the same commit as the tokens. A sweep that is killed between
    /// the commit and the freeing leaves one such lease, and the next sweep frees it before it adds any other.
    /// </remarks>
    public void Sweep(RegistryWriter writer)
    {
        using Segment.Access access = _table.Map.Enter();
        for (int pass = 0; pass < 2; pass++)
        {
            for (int i = 0; i < Capacity; i++)
            {
                if (TryReadDead(access, i, out LeaseRecord record) && Fold(writer, record, onlyFinish: pass == 0))
                    IdOf(Record(access, i)).WriteRelease(0);
            }
        }
    }

    /// <summary>Ends the mapping for this object; leases that were taken here go on.</summary>
    public void Dispose() => _table.Dispose();

    // Whether the record is to be freed.
    private static bool Fold(RegistryWriter writer, in LeaseRecord record, bool onlyFinish)
    {
        int index = writer.FindRom(MemoryMarshal.AsBytes(new ReadOnlySpan<UInt128>(in record.RomKey)));
        // Without an entry there is no total to add to.
        if (index < 0 || !writer.TryRead(index, out RegistryEntry entry))
            return !onlyFinish;
        if (entry.FoldedLease == record.Id)
            return true;
        if (onlyFinish)
            return false;
        entry.TokensServed += record.Tokens;
        entry.FoldedLease = record.Id;
        writer.Put(index, entry);
        return true;
    }

    private static LeaseRecord* Record(in Segment.Access access, int index) =>
        (LeaseRecord*)(access.Start + LeaseLayout.HeaderBytes) + index;

    private static SharedWord IdOf(LeaseRecord* record) => new(&record->Id);

    private static bool TryRead(in Segment.Access access, int index, out LeaseRecord record)
    {
        LeaseRecord* shared = Record(access, index);
        // SYNC POINT with Take. A record that changes hands meanwhile is, at this instant, taken or freed: either will do.
        ulong id = IdOf(shared).ReadAcquire();
        record = id == 0 ? default : *shared;
        return id != 0 && IdOf(shared).ReadAfterLoads() == id;
    }

    // Read before asking for the lock, or a record taken meanwhile would look dead; read after it, or tokens would be missed.
    private bool TryReadDead(in Segment.Access access, int index, out LeaseRecord record) =>
        TryRead(access, index, out record) && record.Id is var id && !IsHeld(index)
        && TryRead(access, index, out record) && record.Id == id;

    // The table's own descriptor holds no lease: its question sees those of this process too.
    private bool IsHeld(int index) => FileLock.IsTaken(_table.File, index, 1, out _, out _);

    // A lock belongs to an open file description: each lease needs its own, of the very file that is mapped here.
    private SafeFileHandle Reopen()
    {
        if (!_table.Writable)
            throw new VaiUsageException(VaiError.NotSupported, $"{Path}: was opened for reading. Open it for writing.");
        bool held = false;
        _table.File.DangerousAddRef(ref held);
        string self = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{_table.File.DangerousGetHandle()}");
        int descriptor = LibcNative.open(self, LibcNative.O_RDWR | LibcNative.O_CLOEXEC);
        _table.File.DangerousRelease();
        return descriptor >= 0
            ? new SafeFileHandle(descriptor, ownsHandle: true)
            : throw RegistryErrors.FromErrno(Path, "opened");
    }
}
