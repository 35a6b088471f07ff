using System.Text;
using VAI.Native.Memory;

namespace VAI.Native.Registry;

/// <summary>The one writer, from <see cref="RomRegistry.BeginWrite"/> to its disposal. For one thread.</summary>
/// <remarks>
/// Each <see cref="Put"/> is seen at once and survives the writer. Change what <see cref="TryRead"/> copies here rather than
/// a snapshot from before: other writers' changes are in it.
/// </remarks>
internal sealed class RegistryWriter : IDisposable
{
    private readonly RomRegistry _registry;
    private readonly LockFile _gate;
    private bool _disposed;

    internal RegistryWriter(RomRegistry registry, LockFile gate) => (_registry, _gate) = (registry, gate);

    /// <inheritdoc cref="RomRegistry.TryRead"/>
    public bool TryRead(int index, out RegistryEntry entry) => _registry.TryRead(index, out entry);

    /// <summary>The entry of that name, or -1.</summary>
    /// <inheritdoc cref="RomRegistry.TryRead" path="/exception"/>
    public int Find(string name)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(name);
        for (int i = 0; i < _registry.Capacity; i++)
        {
            if (_registry.TryRead(i, out RegistryEntry entry) && entry.IsNamed(utf8))
                return i;
        }

        return -1;
    }

    /// <summary>The first entry whose digest begins with these bytes, or -1: several names can stand for one ROM.</summary>
    /// <inheritdoc cref="RomRegistry.TryRead" path="/exception"/>
    public int FindRom(ReadOnlySpan<byte> romKey)
    {
        for (int i = 0; i < _registry.Capacity; i++)
        {
            if (_registry.TryRead(i, out RegistryEntry entry) && entry.Digest.StartsWith(romKey))
                return i;
        }

        return -1;
    }

    /// <summary>Commits an entry.</summary>
    /// <param name="index">Which; -1 for a free one.</param>
    /// <param name="entry">What it becomes; its state is not <see cref="RomState.Free"/>.</param>
    /// <returns>Which it is.</returns>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RegistryFull"/>: none is free.</exception>
    public int Put(int index, in RegistryEntry entry)
    {
        ArgumentOutOfRangeException.ThrowIfEqual((byte)entry.State, (byte)RomState.Free);
        if (index == -1)
            index = FindFree();
        Write(index, entry);
        return index;
    }

    /// <summary>Frees an entry.</summary>
    public void Remove(int index) => Write(index, default);

    /// <summary>Lets the next writer begin.</summary>
    public void Dispose()
    {
        _disposed = true;
        _gate.Dispose();
    }

    private void Write(int index, in RegistryEntry entry)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _registry.Write(index, entry);
    }

    private int FindFree()
    {
        for (int i = 0; i < _registry.Capacity; i++)
        {
            if (!_registry.TryRead(i, out _))
                return i;
        }

        throw RegistryErrors.Full(_registry.Path, $"all {_registry.Capacity} entries are in use. Evict a model.");
    }
}
