using VAI.Native.Registry;
using VAI.Native.Registry.Entries;
using VAI.Native.Registry.Leases;

namespace VAI.Native.Rom;

/// <summary>A ROM directory with its registry. Thread-safe.</summary>
/// <remarks>
/// The images are the truth and the registry their index: what a process that died left half done is put right by the next one
/// that opens the directory. Each thing that is done with a store has a class: <see cref="StoreIndex"/>, <see cref="StoreLeases"/>,
/// <see cref="StoreBurn"/>, <see cref="StoreEviction"/>, <see cref="StoreRepair"/>.
/// </remarks>
internal sealed class RomStore : IDisposable
{
    /// <summary>How long a change of the registry may wait for another; each takes microseconds.</summary>
    internal static readonly TimeSpan WriteDeadline = TimeSpan.FromSeconds(10);

    private RomStore(RomDirectory directory, RomRegistry registry, LeaseTable? leases)
    {
        Directory = directory;
        Registry = registry;
        Leases = leases;
    }

    public RomDirectory Directory { get; }

    public RomRegistry Registry { get; }

    /// <summary>What the owner's processes have served; null for others, who write nothing.</summary>
    public LeaseTable? Leases { get; }

    /// <summary>Opens the directory, making it if it is missing, and puts right what dead processes left.</summary>
    /// <param name="option">The directory, or null for <see cref="RomDirectory.Locate"/>.</param>
    /// <exception cref="VaiException">The directory or its registry cannot be used.</exception>
    public static RomStore Open(string? option) => Open(RomDirectory.Open(option, create: true)!);

    /// <inheritdoc cref="Open(string?)"/>
    internal static RomStore Open(RomDirectory directory)
    {
        RomRegistry? registry = null;
        LeaseTable? leases = null;
        try
        {
            if (directory.CanWrite)
            {
                registry = RomRegistry.OpenRepaired(directory.Path, directory.RegistryMode);
                leases = LeaseTable.OpenRepaired(directory.Path);
            }
            else
            {
                registry = RomRegistry.TryOpen(directory.Path) ?? throw NothingThere(directory);
            }

            var store = new RomStore(directory, registry, leases);
            if (directory.CanWrite)
                new StoreRepair(store).Run();
            return store;
        }
        catch
        {
            registry?.Dispose();
            leases?.Dispose();
            throw;
        }
    }

    /// <inheritdoc cref="StoreIndex.Find(RomRegistry, string, RomProfile, bool)"/>
    public RegistryEntry? Find(string fileOrName, RomProfile profile, bool plain) => StoreIndex.Find(Registry, fileOrName, profile, plain);

    /// <inheritdoc cref="StoreIndex.FindContents"/>
    public RegistryEntry? FindContents(string file, RomProfile profile, bool plain, CancellationToken cancellationToken) =>
        StoreIndex.FindContents(this, file, profile, plain, cancellationToken);

    /// <inheritdoc cref="StoreLeases.Hold"/>
    public RomHold Hold(RegistryEntry entry, TimeSpan deadline, CancellationToken cancellationToken) =>
        new StoreLeases(this).Hold(entry, deadline, cancellationToken);

    /// <inheritdoc cref="StoreLeases.Note"/>
    public void NoteLoad(RomHold hold, TimeSpan time) => new StoreLeases(this).Note(hold, time);

    /// <inheritdoc cref="StoreBurn.Run"/>
    public (RegistryEntry Entry, bool Burned) Burn(
        RomBurnRequest request, bool rename, Action<RomBurnProgress>? progress, CancellationToken cancellationToken) =>
        new StoreBurn(this, request, rename, progress, cancellationToken).Run();

    /// <summary>Reads a whole image and compares it with what was burned.</summary>
    /// <exception cref="VaiException"><see cref="VaiError.RomDamaged"/>, or it cannot be opened.</exception>
    public RegistryEntry Verify(string name, Action<long, long>? progress, CancellationToken cancellationToken)
    {
        RegistryEntry entry = Named(name);
        using var rom = RomFile.Open(Directory.ImagePath(entry.RomId));
        rom.MapMetadata().Dispose();
        rom.Verify(done => progress?.Invoke(done, rom.Header.ImageBytes), cancellationToken);
        return entry;
    }

    /// <inheritdoc cref="StoreEviction.Run"/>
    public RomEvicted Evict(string name, bool force, Action<int>? waiting, CancellationToken cancellationToken) =>
        new StoreEviction(this).Run(name, force, waiting, cancellationToken);

    public void Dispose()
    {
        Registry.Dispose();
        Leases?.Dispose();
    }

    internal RegistryWriter BeginWrite() => Registry.BeginWrite(WriteDeadline, CancellationToken.None);

    /// <exception cref="VaiUsageException"><see cref="VaiError.RomNotBurned"/>, with the names there are.</exception>
    internal RegistryEntry Named(string name)
    {
        List<(EntrySlot Slot, RegistryEntry Entry)> all = Registry.ReadAll();
        int found = all.FindIndex(e => e.Entry.Name == name);
        return found >= 0 ? all[found].Entry : throw Unknown(name);
    }

    internal VaiUsageException Unknown(string name)
    {
        string[] known = [.. Registry.ReadAll().Select(e => e.Entry.Name)];
        return new VaiUsageException(
            VaiError.RomNotBurned,
            $"There is no ROM '{name}' in {Directory.Path}. Known: {(known.Length == 0 ? "none" : string.Join(", ", known))}. Burn it with 'vai burn'.");
    }

    private static VaiUsageException NothingThere(RomDirectory directory) => directory.NotShared is { } kind
        ? new VaiUsageException(VaiError.NotSupported, FileSystemKind.Reason(kind, directory.Path))
        : new VaiUsageException(VaiError.RomNotBurned, $"{directory.Path}: nothing has been burned there. Ask its owner to burn the model.");
}
