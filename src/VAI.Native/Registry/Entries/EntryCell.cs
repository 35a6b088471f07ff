using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VAI.Native.Memory;

namespace VAI.Native.Registry.Entries;

/// <summary>How reading a cell ended.</summary>
internal enum CellRead
{
    /// <summary>There is an entry.</summary>
    Entry,

    /// <summary>There is none.</summary>
    Free,

    /// <summary>The slot is not what was committed.</summary>
    Damaged,

    /// <summary>It was written again during every attempt.</summary>
    Moving,
}

/// <summary>A commit word and its two slots: how they are read and written, see <see cref="RegistryLayout"/>.</summary>
internal readonly unsafe struct EntryCell
{
    // Each attempt beyond the first means a write that happened: a dead or stopped writer costs none.
    private const int Attempts = 10_000;

    private readonly byte* _start;

    /// <summary>The cell of an entry.</summary>
    public EntryCell(byte* registry, int index) =>
        _start = registry + RegistryLayout.HeaderBytes + ((long)index * RegistryLayout.EntryBytes);

    private SharedWord Commit => new(_start + RegistryLayout.Commit);

    /// <summary>Copies what was committed last; waits for nobody.</summary>
    public CellRead Read(out RegistryEntry entry, out ulong generation) => Read(out entry, out generation, out _);

    /// <summary>The same, and says how many attempts it took.</summary>
    public CellRead Read(out RegistryEntry entry, out ulong generation, out int attempts)
    {
        Unsafe.SkipInit(out entry);
        generation = 0;
        for (attempts = 1; attempts <= Attempts; attempts++)
        {
            // SYNC POINT with Write: whoever sees the generation sees its slot.
            generation = Commit.ReadAcquire();
            if (generation == 0)
                return CellRead.Free;
            Slot* slot = SlotOf(generation);
            SlotHeader header = slot->Header;
            entry = slot->Payload;
            if (Commit.ReadAfterLoads() != generation)
                continue;
            if (header.Generation != generation || header.Length != sizeof(RegistryEntry) || header.Crc != Crc(header, entry))
                return CellRead.Damaged;
            return entry.State == RomState.Free ? CellRead.Free : CellRead.Entry;
        }

        return CellRead.Moving;
    }

    /// <summary>What was committed last; 0 if nothing ever was.</summary>
    public ulong Generation => Commit.ReadAcquire();

    /// <summary>Commits an entry and returns its generation. One writer at a time.</summary>
    public ulong Write(in RegistryEntry entry)
    {
        ulong generation = Commit.ReadAcquire() + 1;
        Slot* slot = SlotOf(generation);
        // SYNC POINT with Read: nobody sees what follows in this slot without seeing that the commit word has left it.
        Volatile.WriteBarrier();
        slot->Header.Generation = generation;
        slot->Header.Length = sizeof(RegistryEntry);
        slot->Payload = entry;
        slot->Header.Crc = Crc(slot->Header, slot->Payload);
        Commit.WriteRelease(generation);
        return generation;
    }

    /// <summary>Whether the slot that the next write will fill is whole: a writer that was killed may have left it half-filled. For tests.</summary>
    internal bool IsNextSlotWhole()
    {
        Slot* slot = SlotOf(Commit.ReadAcquire() + 1);
        return slot->Header.Generation == 0 || slot->Header.Crc == Crc(slot->Header, slot->Payload);
    }

    private static uint Crc(in SlotHeader header, in RegistryEntry entry)
    {
        uint crc = System.Numerics.BitOperations.Crc32C(Crc32C.Seed, header.Generation);
        crc = System.Numerics.BitOperations.Crc32C(crc, (uint)header.Length);
        return ~Crc32C.Append(crc, MemoryMarshal.AsBytes(new ReadOnlySpan<RegistryEntry>(in entry)));
    }

    private Slot* SlotOf(ulong generation) =>
        (Slot*)(_start + RegistryLayout.FirstSlot + ((generation & 1) * RegistryLayout.SlotBytes));

    [StructLayout(LayoutKind.Sequential)]
    private struct SlotHeader
    {
        internal ulong Generation;
        internal int Length;
        internal uint Crc;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Slot
    {
        internal SlotHeader Header;
        internal RegistryEntry Payload;
    }
}
