using VAI.Native.Memory;

namespace VAI.Native.Registry;

/// <summary>The ROM directory's register of models: entries that any process reads at any time and one at a time writes.</summary>
/// <remarks>Safe to use from many threads. Not called Registry, which inside VAI.Native would be the namespace.</remarks>
internal sealed unsafe class RomRegistry : IDisposable
{
    private readonly string _directory;
    private readonly TableFile _table;

    private RomRegistry(string directory, TableFile table) => (_directory, _table) = (directory, table);

    /// <summary>How many entries there can be.</summary>
    public int Capacity => RegistryLayout.EntryCount;

    /// <summary>Path of the file.</summary>
    public string Path => _table.Path;

    /// <summary>The process that began to write last; <see cref="ProcessIdentity.Pid"/> 0 if none has.</summary>
    public ProcessIdentity LastWriter
    {
        get
        {
            using Segment.Access access = _table.Map.Enter();
            return ProcessIdentity.FromWord(LastWriterWord(access).ReadAcquire());
        }
    }

    /// <summary>Opens the registry for reading and writing, and makes it if there is none.</summary>
    /// <param name="directory">The ROM directory.</param>
    /// <param name="mode">The file's permissions if it is made: 0600, or 0640 where the directory has a group.</param>
    /// <exception cref="VaiEngineException">
    /// <see cref="VaiError.RegistryDamaged"/>, <see cref="VaiError.RomTooNew"/>, <see cref="VaiError.RomNoSpace"/>.
    /// </exception>
    /// <exception cref="VaiUsageException">It may not be opened or made.</exception>
    public static RomRegistry Open(string directory, uint mode = 0x180) =>
        new(directory, TableFile.OpenOrCreate(directory, RegistryLayout.Shape, mode));

    /// <summary>Opens the registry for reading alone; null if there is none.</summary>
    /// <inheritdoc cref="Open" path="/exception"/>
    public static RomRegistry? TryOpen(string directory) =>
        TableFile.TryOpen(directory, RegistryLayout.Shape, writable: false) is { } table ? new(directory, table) : null;

    /// <summary>Copies an entry as it was committed last; takes no lock and allocates nothing.</summary>
    /// <returns>False if it is free.</returns>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RegistryDamaged"/></exception>
    public bool TryRead(int index, out RegistryEntry entry)
    {
        CheckIndex(index);
        using Segment.Access access = _table.Map.Enter();
        switch (new EntryCell(access.Start, index).Read(out entry))
        {
            case CellRead.Entry:
                return true;
            case CellRead.Free:
                entry = default;
                return false;
            case CellRead.Damaged:
                throw RegistryErrors.Damaged(Path, $"entry {index} is not what was committed");
            default:
                throw RegistryErrors.Damaged(Path, $"entry {index} is being written without end");
        }
    }

    /// <summary>All entries that are not free.</summary>
    /// <inheritdoc cref="TryRead" path="/exception"/>
    public List<(int Index, RegistryEntry Entry)> ReadAll()
    {
        var entries = new List<(int, RegistryEntry)>();
        for (int i = 0; i < Capacity; i++)
        {
            if (TryRead(i, out RegistryEntry entry))
                entries.Add((i, entry));
        }

        return entries;
    }

    /// <summary>Waits until no other writer is left. Keep it short: others wait for its disposal.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RegistryBusy"/>: the deadline passed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public RegistryWriter BeginWrite(TimeSpan deadline, CancellationToken cancellationToken)
    {
        if (!_table.Writable)
            throw new VaiUsageException(VaiError.NotSupported, $"{Path}: was opened for reading. Open it for writing.");
        var gate = WriterLock.Take(_directory, deadline, this, cancellationToken);
        try
        {
            using Segment.Access access = _table.Map.Enter();
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
    public void Dispose() => _table.Dispose();

    /// <summary>Commits an entry, for the <see cref="RegistryWriter"/>.</summary>
    internal void Write(int index, in RegistryEntry entry)
    {
        CheckIndex(index);
        using Segment.Access access = _table.Map.Enter();
        new EntryCell(access.Start, index).Write(entry);
    }

    private static SharedWord LastWriterWord(in Segment.Access access) => new(access.Start + RegistryLayout.LastWriter);

    private static void CheckIndex(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, RegistryLayout.EntryCount);
    }
}
