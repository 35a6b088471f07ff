using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;
using VAI.Native.Memory;
using VAI.Native.Registry;
using VAI.Native.Registry.Entries;

namespace VAI.Native.Rom;

/// <summary>Burns a file unless its image is there, and names it. For one burn.</summary>
/// <param name="store">Where.</param>
/// <param name="request">What to burn.</param>
/// <param name="rename">
/// Whether the name is to stand for this model even if it stood for another; otherwise a name that is taken is extended.
/// </param>
/// <param name="progress">Told how far it is.</param>
/// <param name="cancellationToken">Stops it; nothing is left.</param>
internal sealed class StoreBurn(
    RomStore store, RomBurnRequest request, bool rename, Action<RomBurnProgress>? progress, CancellationToken cancellationToken)
{
    private const long ProgressIntervalMs = 100;
    private static readonly TimeSpan BeginDeadline = TimeSpan.FromSeconds(1);

    // The entry of the burn itself. Nobody else writes it while the draft is locked; where somebody has, it is not this burn's.
    private EntrySlot? _own;
    private RegistryEntry? _named;
    private long _reported;

    /// <summary>Burns, or finds it burned.</summary>
    /// <returns>The entry, and whether this call burned it.</returns>
    /// <exception cref="VaiException">As <see cref="RomBurner.Burn(RomBurnRequest)"/>.</exception>
    public (RegistryEntry Entry, bool Burned) Run()
    {
        try
        {
            while (true)
            {
                RomBurned burned = new RomBurner(store.Directory, Report, cancellationToken)
                {
                    Began = Begin,
                    Published = id => _named = Name(id, source: null),
                }.Burn(request);
                if (_named is { } own)
                    return (own, true);

                // Null if the image was evicted since: then it is burned again.
                if (Name(burned.Id, burned.Source) is { } entry)
                    return (entry, false);
            }
        }
        catch when (_own is not null)
        {
            Forget();
            throw;
        }
    }

    // It has no name but the image's where its own is taken: it names nothing until it is done.
    private void Begin(string id)
    {
        RomSource source = RomSource.OfModel(request.File);
        try
        {
            using RegistryWriter writer = store.Registry.BeginWrite(BeginDeadline, cancellationToken);
            if (_own is { } before)
                writer.Remove(before);
            _own = writer.Add(new RegistryEntry
            {
                Name = writer.Find(request.Name) is null ? request.Name : id,
                RomId = id,
                State = RomState.Burning,
                Profile = (byte)request.Profile,
                Packed = !id.EndsWith("-plain", StringComparison.Ordinal),
                Owner = ProcessIdentity.Current,
                Bytes = source.Bytes,
                SourceKey = source.Key,
                SourceBytes = source.Bytes,
                SourceMtimeNs = source.MtimeNs,
                SourceIdentity = source.Identity,
            });
        }
        catch (VaiEngineException e) when (e.Code == VaiError.RegistryBusy)
        {
            // Nobody sees the burn then, until its image is there.
        }
    }

    private void Report(RomBurnProgress p)
    {
        progress?.Invoke(p);
        long now = Environment.TickCount64;
        if (_own is not { } slot || now - _reported < ProgressIntervalMs)
            return;
        _reported = now;
        try
        {
            using RegistryWriter writer = store.Registry.BeginWrite(TimeSpan.Zero, CancellationToken.None);
            _own = writer.TryRead(slot, out RegistryEntry entry)
                ? writer.Put(slot, entry with { BytesDone = (long)(p.Fraction * entry.Bytes) }) : null;
        }
        catch (VaiEngineException e) when (e.Code == VaiError.RegistryBusy)
        {
            // The next report tells as much.
        }
    }

    // A process that is stopped in the middle of a change may hold the registry for long: the burn was more work than that.
    private RegistryEntry? Name(string id, RomSource? source)
    {
        string path = store.Directory.ImagePath(id);
        using RomFile? rom = TryOpen(path);
        TimeSpan deadline = request.Deadline > RomStore.WriteDeadline ? request.Deadline : RomStore.WriteDeadline;
        using RegistryWriter writer = store.Registry.BeginWrite(deadline, cancellationToken);
        if (_own is { } slot)
            writer.Remove(slot);
        _own = null;
        if (rom is null || !FilePlace.IsAt(rom.Handle, path))
            return null;
        EntrySlot? at = FindName(writer, id, rom.Header, out string name, out RegistryEntry previous);
        RegistryEntry entry = StoreEntries.Of(rom, id, name, source ?? rom.Header.Source with { Path = Path.GetFullPath(request.File) }, request.Profile);
        if (at is { } there)
        {
            if (previous.RomId == id)
            {
                if (previous.State == RomState.Evicting && RomUsers.IsEvicted(rom.Handle))
                    throw new VaiUsageException(VaiError.RomInUse, $"'{name}' is being evicted. Burn it again when that is done.");
                (entry.TokensServed, entry.FoldedLease, entry.LoadMicroseconds) =
                    (previous.TokensServed, previous.FoldedLease, previous.LoadMicroseconds);
            }

            writer.Put(there, entry);
            if (previous.RomId != id)
                RemoveUnnamed(previous.RomId);
            return entry;
        }

        writer.Add(entry);
        return entry;
    }

    private EntrySlot? FindName(RegistryWriter writer, string id, RomHeader header, out string name, out RegistryEntry previous)
    {
        name = request.Name;
        EntrySlot? at = writer.Find(name, out previous);
        if (at is null || rename || previous.RomId == id)
            return at;
        name = StoreEntries.UniqueName(writer, name, header);
        return null;
    }

    // An image that lost its last name, unless somebody is attached: then the next process to open the directory names it again.
    private void RemoveUnnamed(string id)
    {
        if (store.Registry.ReadAll().Any(e => e.Entry.RomId == id))
            return;
        using SafeFileHandle? image = StoreEviction.OpenForRemoval(store.Directory.ImagePath(id));
        if (image is null)
            return;
        using var alone = new FileLock(image, RomLocks.Leases);
        if (alone.TryTake())
            _ = LibcNative.unlink(store.Directory.ImagePath(id));
    }

    private static RomFile? TryOpen(string image)
    {
        try
        {
            return RomFile.Open(image);
        }
        catch (VaiUsageException e) when (e.Code == VaiError.RomNotBurned)
        {
            return null;
        }
    }

    // If the registry is busy the next process to open the directory does it: the draft's lock is gone.
    private void Forget()
    {
        try
        {
            using RegistryWriter writer = store.BeginWrite();
            if (_own is { } slot)
                writer.Remove(slot);
        }
        catch (VaiEngineException)
        {
        }
    }
}
