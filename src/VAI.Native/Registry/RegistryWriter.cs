using System.Text;
using VAI.Native.Memory;
using VAI.Native.Registry.Entries;

namespace VAI.Native.Registry;

/// <summary>The one writer, from <see cref="RomRegistry.BeginWrite"/> to its disposal. For one thread.</summary>
/// <remarks>
/// Each <see cref="Put"/> is seen at once and survives the writer. Change what is read here rather than
/// a snapshot from before: other writers' changes are in it, and an entry that has moved since is not written.
/// </remarks>
internal sealed class RegistryWriter : IDisposable
{
    public const string LockName = "registry.lock";

    private readonly RomRegistry _registry;
    private readonly FileLock _gate;
    private bool _disposed;

    internal RegistryWriter(RomRegistry registry, FileLock gate) => (_registry, _gate) = (registry, gate);

    /// <summary>The writer's election: a lock on a file of its own, so that closing a descriptor of the registry cannot drop it.</summary>
    /// <param name="directory">The ROM directory.</param>
    /// <param name="deadline">How long to try.</param>
    /// <param name="cancellationToken">Ends the trying.</param>
    /// <param name="registry">Knows who wrote last, for the message.</param>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RegistryBusy"/>: the deadline passed.</exception>
    public static FileLock Elect(string directory, TimeSpan deadline, CancellationToken cancellationToken, RomRegistry? registry = null)
    {
        string path = Path.Combine(directory, LockName);
        FileLock file = FileLock.Open(path) ?? throw RegistryErrors.FromErrno(path, "opened for writing");
        try
        {
            return file.Take(deadline, cancellationToken)
                ? file
                : throw RegistryErrors.Busy(path, deadline, registry?.LastWriter ?? default);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc cref="RomRegistry.TryRead(int, out RegistryEntry, out EntrySlot)"/>
    public bool TryRead(int index, out RegistryEntry entry, out EntrySlot slot) => _registry.TryRead(index, out entry, out slot);

    /// <summary>Reads an entry if it is what it was.</summary>
    /// <inheritdoc cref="RomRegistry.TryRead(int, out RegistryEntry)" path="/exception"/>
    public bool TryRead(EntrySlot slot, out RegistryEntry entry) =>
        _registry.TryRead(slot.Index, out entry, out EntrySlot now) && now == slot;

    /// <summary>An entry as it is now, to be written whatever it holds.</summary>
    public EntrySlot SlotAt(int index) => _registry.SlotAt(index);

    /// <summary>The entry of that name; null if there is none.</summary>
    /// <inheritdoc cref="RomRegistry.TryRead(int, out RegistryEntry)" path="/exception"/>
    public EntrySlot? Find(string name) => Find(name, out _);

    /// <inheritdoc cref="Find(string)"/>
    public EntrySlot? Find(string name, out RegistryEntry entry)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(name);
        for (int i = 0; i < _registry.Capacity; i++)
        {
            if (_registry.TryRead(i, out entry, out EntrySlot slot) && entry.IsNamed(utf8))
                return slot;
        }

        entry = default;
        return null;
    }

    /// <summary>The first entry whose digest begins with these bytes: several names can stand for one ROM.</summary>
    /// <inheritdoc cref="RomRegistry.TryRead(int, out RegistryEntry)" path="/exception"/>
    public EntrySlot? FindRom(ReadOnlySpan<byte> romKey, out RegistryEntry entry)
    {
        for (int i = 0; i < _registry.Capacity; i++)
        {
            if (_registry.TryRead(i, out entry, out EntrySlot slot) && entry.Digest.StartsWith(romKey))
                return slot;
        }

        entry = default;
        return null;
    }

    /// <summary>Commits an entry in a free place.</summary>
    /// <param name="entry">Its state is not <see cref="RomState.Free"/>.</param>
    /// <returns>Which it is.</returns>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RegistryFull"/>: none is free.</exception>
    public EntrySlot Add(in RegistryEntry entry)
    {
        for (int i = 0; i < _registry.Capacity; i++)
        {
            if (!_registry.TryRead(i, out _, out EntrySlot slot))
                return Put(slot, entry)!.Value;
        }

        throw RegistryErrors.Full(_registry.Path, $"all {_registry.Capacity} entries are in use. Evict a model.");
    }

    /// <summary>Commits an entry over what it was.</summary>
    /// <param name="slot">What it was.</param>
    /// <param name="entry">What it becomes; its state is not <see cref="RomState.Free"/>.</param>
    /// <returns>What it is now; null if it is not what it was, and nothing was written.</returns>
    public EntrySlot? Put(EntrySlot slot, in RegistryEntry entry)
    {
        ArgumentOutOfRangeException.ThrowIfEqual((byte)entry.State, (byte)RomState.Free);
        return Write(slot, entry);
    }

    /// <summary>Frees an entry; false if it is not what it was.</summary>
    public bool Remove(EntrySlot slot) => Write(slot, default) is not null;

    /// <summary>Lets the next writer begin.</summary>
    public void Dispose()
    {
        _disposed = true;
        _gate.Dispose();
    }

    private EntrySlot? Write(EntrySlot slot, in RegistryEntry entry)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _registry.Write(slot, entry);
    }
}
