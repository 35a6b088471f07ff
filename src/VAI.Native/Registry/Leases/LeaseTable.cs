using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;
using VAI.Native.Memory;
using VAI.Native.Registry.Entries;

namespace VAI.Native.Registry.Leases;

/// <summary>
/// What the leases of the owner's processes have served, and what those that ended served since the last sweep. Nobody else opens it:
/// what it is mapped from cannot be shortened or invented by a member of the directory's group.
/// </summary>
/// <remarks>Safe to use from many threads. Layout and ownership: <see cref="LeaseLayout"/>.</remarks>
internal sealed unsafe class LeaseTable : IDisposable
{
    private const uint OwnerOnly = 0b_110_000_000;

    private readonly TableFile _table;

    private LeaseTable(TableFile table) => _table = table;

    /// <summary>How many leases there can be.</summary>
    public int Capacity => LeaseLayout.RecordCount;

    /// <summary>Path of the file.</summary>
    public string Path => _table.Path;

    /// <summary>Opens the table for reading and writing, and makes it, for its owner alone, if there is none.</summary>
    /// <param name="directory">The ROM directory.</param>
    /// <inheritdoc cref="RomRegistry.Open" path="/exception"/>
    public static LeaseTable Open(string directory) => new(TableFile.OpenOrCreate(directory, LeaseLayout.Shape, OwnerOnly));

    /// <summary>As <see cref="Open"/>; a damaged one is set aside and made anew. It only counts.</summary>
    public static LeaseTable OpenRepaired(string directory) =>
        new(TableFile.OpenRepaired(directory, LeaseLayout.Shape, OwnerOnly, static _ => { }));

    /// <summary>Opens the table for reading; null if there is none.</summary>
    /// <inheritdoc cref="RomRegistry.Open" path="/exception"/>
    public static LeaseTable? TryOpen(string directory) =>
        TableFile.TryOpen(directory, LeaseLayout.Shape, writable: false) is { } table ? new(table) : null;

    /// <summary>A table of an older layout, for <see cref="RegistryConversion"/>.</summary>
    internal static LeaseTable? TryOpen(string directory, in TableShape older) =>
        TableFile.TryOpen(directory, older, writable: true) is { } table ? new(table) : null;

    /// <summary>A key of a name, to tell under which one a ROM is held.</summary>
    public static ulong KeyOf(string name) => BinaryPrimitives.ReadUInt64BigEndian(Rom.RomKey.Of(name, sizeof(ulong)));

    /// <summary>Takes a free record, until its disposal or the end of the process.</summary>
    /// <param name="romKey">The ROM's digest, of which the first 16 bytes count.</param>
    /// <param name="nameKey">From <see cref="KeyOf"/>.</param>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RegistryFull"/>: none is free. Sweep, and try again.</exception>
    public LeaseTally Take(ReadOnlySpan<byte> romKey, ulong nameKey = 0)
    {
        var key = MemoryMarshal.Read<UInt128>(romKey);
        using Segment.Access access = _table.Map.Enter();
        SafeFileHandle own = Reopen();
        try
        {
            for (int i = 0; i < Capacity; i++)
            {
                LeaseRecord* record = Record(access, i);
                var held = new FileLock(own, ByteOf(i), owns: true);
                if (IdOf(record).ReadAcquire() != 0 || !held.TryTake())
                    continue;
                // Another may have taken it and died in between; then it is the sweep's.
                if (IdOf(record).ReadAcquire() != 0)
                {
                    held.GiveBack();
                    continue;
                }

                (record->NameKey, record->RomKey, record->Tokens, record->Devices) = (nameKey, key, 0, 0);
                (record->Pid, record->Start) = (ProcessIdentity.Current.Pid, ProcessIdentity.Current.Start);
                record->TakenAtUnixMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
                // SYNC POINT with TryRead: whoever sees the id sees the record.
                IdOf(record).WriteRelease((ulong)Random.Shared.NextInt64(1, long.MaxValue));
                return new LeaseTally(i, held, _table.Map, record);
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
    /// How many processes' leases count for a ROM, and the tokens that are not in the registry's total yet: those of the live, and
    /// those of the dead that no sweep has added.
    /// </summary>
    /// <param name="romKey">The ROM's digest, of which the first 16 bytes count.</param>
    public (int Leases, long Tokens) Count(ReadOnlySpan<byte> romKey)
    {
        var key = MemoryMarshal.Read<UInt128>(romKey);
        (int leases, long tokens) = (0, 0L);
        using Segment.Access access = _table.Map.Enter();
        for (int i = 0; i < Capacity; i++)
        {
            if (!TryRead(access, i, out LeaseRecord record) || record.RomKey != key)
                continue;
            tokens += record.Tokens;
            leases += IsHeld(i) ? 1 : 0;
        }

        return (leases, tokens);
    }

    /// <summary>Whether any process holds any record.</summary>
    public bool IsInUse => FileLock.IsHeld(_table.File, ByteRange.All, out _);

    /// <summary>All leases, also dead ones that wait to be swept.</summary>
    public List<LeaseInfo> ReadAll()
    {
        var leases = new List<LeaseInfo>();
        using Segment.Access access = _table.Map.Enter();
        for (int i = 0; i < Capacity; i++)
        {
            if (!TryRead(access, i, out LeaseRecord r))
                continue;

            // Held, and by the same: another may have taken the record since it was read.
            bool live = IsHeld(i) && IdOf(Record(access, i)).ReadAfterLoads() == r.Id;
            leases.Add(new(i, new(r.Pid, r.Start), r.RomKey, r.NameKey, r.Tokens, new(r.Devices), r.TakenAtUnixMs, live));
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
        // Without an entry there is no total to add to.
        if (writer.FindRom(MemoryMarshal.AsBytes(new ReadOnlySpan<UInt128>(in record.RomKey)), out RegistryEntry entry) is not { } slot)
            return !onlyFinish;
        if (entry.FoldedLease == record.Id)
            return true;
        if (onlyFinish)
            return false;
        entry.TokensServed += record.Tokens;
        entry.FoldedLease = record.Id;
        writer.Put(slot, entry);
        return true;
    }

    private static LeaseRecord* Record(in Segment.Access access, int index) =>
        (LeaseRecord*)(access.Start + LeaseLayout.HeaderBytes) + index;

    private static ByteRange ByteOf(int index) => new(index, 1);

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
    private bool IsHeld(int index) => FileLock.IsHeld(_table.File, ByteOf(index), out _);

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
