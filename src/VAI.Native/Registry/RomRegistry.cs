using VAI.Native.Memory;
using VAI.Native.Registry.Entries;

namespace VAI.Native.Registry;

/// <summary>The ROM directory's register of models: entries that any process reads at any time and one at a time writes.</summary>
/// <remarks>
/// Safe to use from many threads. Not called Registry, which inside VAI.Native would be the namespace. Where another process has set
/// the file aside and made a new one, this follows it: no entry of this object's is ever lost in a file that has no name.
/// </remarks>
internal sealed unsafe class RomRegistry : IDisposable
{
    private readonly string _directory;
    private readonly uint _mode;
    private readonly Lock _gate = new();

    // Files that had the name before: a reader may be in one still, and there are next to none.
    private readonly List<TableFile> _former = [];
    private volatile Current _current;

    private RomRegistry(string directory, uint mode, TableFile table) => (_directory, _mode, _current) = (directory, mode, new(table, 0));

    /// <summary>How many entries there can be.</summary>
    public int Capacity => RegistryLayout.EntryCount;

    /// <summary>Path of the file.</summary>
    public string Path => _current.Table.Path;

    /// <summary>The process that began to write last, as its own pid namespace calls it; <see cref="ProcessIdentity.Pid"/> 0 if none has.</summary>
    public ProcessIdentity LastWriter
    {
        get
        {
            using Segment.Access access = _current.Table.Map.Enter();
            return ProcessIdentity.FromWord(LastWriterWord(access).ReadAcquire());
        }
    }

    /// <summary>Opens the registry for reading and writing, makes it if there is none, and converts it if it is an older VAI's.</summary>
    /// <param name="directory">The ROM directory.</param>
    /// <param name="mode">The file's permissions if it is made: 0600, or 0640 where the directory has a group.</param>
    /// <exception cref="VaiEngineException">
    /// <see cref="VaiError.RegistryDamaged"/>, <see cref="VaiError.RomTooNew"/>, <see cref="VaiError.RegistryTooOld"/>,
    /// <see cref="VaiError.RomNoSpace"/>.
    /// </exception>
    /// <exception cref="VaiUsageException">It may not be opened or made.</exception>
    public static RomRegistry Open(string directory, uint mode = 0x180) =>
        new(directory, mode, Converted(directory, () => TableFile.OpenOrCreate(directory, RegistryLayout.Shape, mode)));

    /// <summary>As <see cref="Open"/>; a damaged one is set aside and made anew: the images can tell what was in it.</summary>
    public static RomRegistry OpenRepaired(string directory, uint mode)
    {
        return new(directory, mode, Converted(directory, () => TableFile.OpenRepaired(directory, RegistryLayout.Shape, mode, Check)));

        // One entry that cannot be read is as bad as none: nobody lists, finds or writes past it.
        static void Check(TableFile table)
        {
            for (int i = 0; i < RegistryLayout.EntryCount; i++)
                Read(table, i, out _, out _);
        }
    }

    /// <summary>Opens the registry for reading alone; null if there is none.</summary>
    /// <inheritdoc cref="Open" path="/exception"/>
    public static RomRegistry? TryOpen(string directory) =>
        TableFile.TryOpen(directory, RegistryLayout.Shape, writable: false) is { } table ? new(directory, 0, table) : null;

    /// <summary>A registry of an older layout, for <see cref="RegistryConversion"/>.</summary>
    internal static RomRegistry? TryOpen(string directory, in TableShape older) =>
        TableFile.TryOpen(directory, older, writable: true) is { } table ? new(directory, 0, table) : null;

    /// <summary>Copies an entry as it was committed last; takes no lock and allocates nothing.</summary>
    /// <returns>False if it is free.</returns>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RegistryDamaged"/></exception>
    public bool TryRead(int index, out RegistryEntry entry) => TryRead(index, out entry, out _);

    /// <inheritdoc cref="TryRead(int, out RegistryEntry)"/>
    /// <param name="index">Which.</param>
    /// <param name="entry">What it holds.</param>
    /// <param name="slot">What it was, also of a free one.</param>
    public bool TryRead(int index, out RegistryEntry entry, out EntrySlot slot)
    {
        CheckIndex(index);
        Current current = _current;
        bool there = Read(current.Table, index, out entry, out ulong generation);
        slot = new EntrySlot(index, generation, current.Number);
        return there;
    }

    /// <summary>All entries that are not free.</summary>
    /// <inheritdoc cref="TryRead(int, out RegistryEntry)" path="/exception"/>
    public List<(EntrySlot Slot, RegistryEntry Entry)> ReadAll()
    {
        Follow(null);
        var entries = new List<(EntrySlot, RegistryEntry)>();
        for (int i = 0; i < Capacity; i++)
        {
            if (TryRead(i, out RegistryEntry entry, out EntrySlot slot))
                entries.Add((slot, entry));
        }

        return entries;
    }

    /// <summary>Waits until no other writer is left. Keep it short: others wait for its disposal.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RegistryBusy"/>: the deadline passed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public RegistryWriter BeginWrite(TimeSpan deadline, CancellationToken cancellationToken)
    {
        if (!_current.Table.Writable)
            throw new VaiUsageException(VaiError.NotSupported, $"{Path}: was opened for reading. Open it for writing.");
        FileLock gate = RegistryWriter.Elect(_directory, deadline, cancellationToken, this);
        try
        {
            Follow(gate);
            using Segment.Access access = _current.Table.Map.Enter();
            LastWriterWord(access).WriteRelease(ProcessIdentity.Current.ToWord());
            return new RegistryWriter(this, gate);
        }
        catch
        {
            gate.Dispose();
            throw;
        }
    }

    /// <summary>Ends the mapping. A writer that has begun must not go on.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _current.Table.Dispose();
            _former.ForEach(t => t.Dispose());
        }
    }

    /// <summary>An entry as it is now, for the <see cref="RegistryWriter"/>.</summary>
    internal EntrySlot SlotAt(int index)
    {
        CheckIndex(index);
        Current current = _current;
        using Segment.Access access = current.Table.Map.Enter();
        return new EntrySlot(index, new EntryCell(access.Start, index).Generation, current.Number);
    }

    /// <summary>Commits an entry that is still what it was, for the <see cref="RegistryWriter"/>.</summary>
    internal EntrySlot? Write(EntrySlot slot, in RegistryEntry entry)
    {
        CheckIndex(slot.Index);
        Current current = _current;
        using Segment.Access access = current.Table.Map.Enter();
        var cell = new EntryCell(access.Start, slot.Index);
        return (slot.Generation, slot.File) == (cell.Generation, current.Number) ? slot with { Generation = cell.Write(entry) } : null;
    }

    /// <summary>Tells who opens it that this layout is the new one, for <see cref="RegistryConversion"/>.</summary>
    internal void SetVersion(uint version)
    {
        using Segment.Access access = _current.Table.Map.Enter();
        Volatile.Write(ref ((TableHeader*)access.Start)->Version, version);
    }

    private static TableFile Converted(string directory, Func<TableFile> open)
    {
        try
        {
            return open();
        }
        catch (VaiEngineException e) when (e.Code == VaiError.RegistryTooOld)
        {
            RegistryConversion.Run(directory);
            return open();
        }
    }

    private static bool Read(TableFile table, int index, out RegistryEntry entry, out ulong generation)
    {
        using Segment.Access access = table.Map.Enter();
        switch (new EntryCell(access.Start, index).Read(out entry, out generation))
        {
            case CellRead.Entry:
                return true;
            case CellRead.Free:
                entry = default;
                return false;
            case CellRead.Damaged:
                throw RegistryErrors.Damaged(table.Path, $"entry {index} is not what was committed");
            default:
                throw RegistryErrors.Damaged(table.Path, $"entry {index} is being written without end");
        }
    }

    // The one writer also makes it, if it was set aside by a process that died before it had made the new one.
    private void Follow(FileLock? writer)
    {
        if (FilePlace.IsAt(_current.Table.File, Path))
            return;
        lock (_gate)
        {
            Current current = _current;
            ObjectDisposedException.ThrowIf(current.Table.File.IsClosed, this);
            if (FilePlace.IsAt(current.Table.File, Path))
                return;
            TableFile? next = writer is null
                ? TableFile.TryOpen(_directory, RegistryLayout.Shape, current.Table.Writable)
                : TableFile.OpenOrCreate(_directory, RegistryLayout.Shape, _mode, writer);
            if (next is null)
                return;
            _former.Add(current.Table);
            _current = new Current(next, current.Number + 1);
        }
    }

    private static SharedWord LastWriterWord(in Segment.Access access) => new(access.Start + RegistryLayout.LastWriter);

    private static void CheckIndex(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, RegistryLayout.EntryCount);
    }

    private sealed record Current(TableFile Table, int Number);
}
