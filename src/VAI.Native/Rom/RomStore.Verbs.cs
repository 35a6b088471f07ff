using VAI.Native.Interop;
using VAI.Native.Registry;

namespace VAI.Native.Rom;

/// <summary>What an eviction came to.</summary>
/// <param name="Bytes">Bytes that are free again; 0 where other names keep the image.</param>
/// <param name="KeptFor">Another name of the same image; null if it is gone.</param>
internal sealed record RomEvicted(long Bytes, string? KeptFor);

/// <content>Burn, verify, evict.</content>
internal sealed partial class RomStore
{
    private const long ProgressIntervalMs = 100;

    /// <summary>Burns a file unless its image is there, and names it.</summary>
    /// <param name="request">What to burn.</param>
    /// <param name="rename">
    /// Whether the name is to stand for this model even if it stood for another; otherwise a name that is taken is extended.
    /// </param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops it; nothing is left.</param>
    /// <returns>The entry, and whether this call burned it.</returns>
    /// <exception cref="VaiException">As <see cref="RomBurner.Burn(RomBurnRequest)"/>.</exception>
    public (RegistryEntry Entry, bool Burned) Burn(
        RomBurnRequest request, bool rename, Action<RomBurnProgress>? progress, CancellationToken cancellationToken)
    {
        int index = -1;
        long reported = 0;
        try
        {
            RomBurned burned = new RomBurner(Directory, Report, cancellationToken) { Began = Begin }.Burn(request);
            using var rom = RomFile.Open(Directory.ImagePath(burned.Id));
            using RegistryWriter writer = Registry.BeginWrite(WriteDeadline, CancellationToken.None);
            if (index >= 0)
                writer.Remove(index);
            index = -1;
            RomSource source = RomBurner.Identify(request.File);
            int at = FindName(writer, request.Name, burned.Id, rename, rom.Header, out string name);
            RegistryEntry entry = EntryOf(rom, burned.Id, name, source, request.Profile);
            RegistryEntry previous = default;
            bool named = at >= 0 && writer.TryRead(at, out previous);
            if (named && previous.RomId == burned.Id)
            {
                (entry.TokensServed, entry.FoldedLease, entry.LoadMicroseconds) =
                    (previous.TokensServed, previous.FoldedLease, previous.LoadMicroseconds);
            }

            writer.Put(at, entry);
            if (named && previous.RomId != burned.Id)
                RemoveUnnamed(previous.RomId, previous.Digest);
            return (entry, burned.Burned);
        }
        catch when (index >= 0)
        {
            using RegistryWriter writer = Registry.BeginWrite(WriteDeadline, CancellationToken.None);
            writer.Remove(index);
            throw;
        }

        // The entry of the burn itself has no name but the image's: it names nothing until it is done.
        void Begin(string id)
        {
            using RegistryWriter writer = Registry.BeginWrite(WriteDeadline, CancellationToken.None);
            RomSource source = RomBurner.Identify(request.File);
            index = writer.Put(index, new RegistryEntry
            {
                Name = writer.Find(request.Name) < 0 ? request.Name : id,
                RomId = id,
                State = RomState.Burning,
                Profile = (byte)request.Profile,
                Packed = !id.EndsWith("-plain", StringComparison.Ordinal),
                Owner = ProcessIdentity.Current,
                Bytes = source.Bytes,
                SourceKey = source.Key,
                SourceBytes = source.Bytes,
                SourceMtimeNs = source.MtimeNs,
            });
        }

        void Report(RomBurnProgress p)
        {
            progress?.Invoke(p);
            long now = Environment.TickCount64;
            if (index < 0 || now - reported < ProgressIntervalMs)
                return;
            reported = now;
            using RegistryWriter writer = Registry.BeginWrite(WriteDeadline, CancellationToken.None);
            if (writer.TryRead(index, out RegistryEntry entry))
                writer.Put(index, entry with { BytesDone = (long)(p.Fraction * entry.Bytes) });
        }
    }

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

    /// <summary>Takes a name away, and the image with its last one.</summary>
    /// <param name="name">The name.</param>
    /// <param name="force">Whether to wait, while processes are attached, until none is; new ones are refused meanwhile.</param>
    /// <param name="waiting">Told the number of leases that are waited for.</param>
    /// <param name="cancellationToken">Stops the waiting; the ROM stays.</param>
    /// <exception cref="VaiUsageException"><see cref="VaiError.RomInUse"/> or <see cref="VaiError.RomNotBurned"/>.</exception>
    public RomEvicted Evict(string name, bool force, Action<int>? waiting, CancellationToken cancellationToken)
    {
        RegistryEntry entry = Named(name);
        using (RegistryWriter writer = Registry.BeginWrite(WriteDeadline, cancellationToken))
        {
            int index = writer.Find(name);
            if (index < 0 || !writer.TryRead(index, out entry))
                throw Unknown(name);
            if (entry.State != RomState.Ready && entry.Owner.IsAlive)
                throw new VaiUsageException(VaiError.RomInUse, $"'{name}' is being burned or evicted by process {entry.OwnerPid}. Wait for it.");
            string id = entry.RomId;
            if (Registry.ReadAll().Find(e => e.Index != index && e.Entry.RomId == id) is { Entry.RomId: not "" } other)
            {
                writer.Remove(index);
                return new RomEvicted(0, other.Entry.Name);
            }

            // SYNC POINT with Hold, which first takes its lease and then looks for this.
            entry.State = RomState.Evicting;
            entry.Owner = ProcessIdentity.Current;
            writer.Put(index, entry);
        }

        try
        {
            for (int left; (left = Leases.Count(entry.Digest).Leases) > 0;)
            {
                if (!force)
                {
                    throw new VaiUsageException(
                        VaiError.RomInUse, $"'{name}' has {left} process(es) attached. Unload it there first, or evict with --force, which waits for them.");
                }

                waiting?.Invoke(left);
                if (cancellationToken.WaitHandle.WaitOne(50))
                    cancellationToken.ThrowIfCancellationRequested();
            }
        }
        catch
        {
            using RegistryWriter writer = Registry.BeginWrite(WriteDeadline, CancellationToken.None);
            int index = writer.Find(name);
            if (index >= 0)
                writer.Put(index, entry with { State = RomState.Ready });
            throw;
        }

        using (RegistryWriter writer = Registry.BeginWrite(WriteDeadline, CancellationToken.None))
        {
            _ = LibcNative.unlink(Directory.ImagePath(entry.RomId));
            int index = writer.Find(name);
            if (index >= 0)
                writer.Remove(index);
        }

        return new RomEvicted(entry.Bytes, null);
    }

    private RegistryEntry Named(string name)
    {
        List<(int Index, RegistryEntry Entry)> all = Registry.ReadAll();
        int found = all.FindIndex(e => e.Entry.Name == name);
        return found >= 0 ? all[found].Entry : throw Unknown(name);
    }

    private VaiUsageException Unknown(string name)
    {
        string[] known = [.. Registry.ReadAll().Select(e => e.Entry.Name)];
        return new VaiUsageException(
            VaiError.RomNotBurned,
            $"There is no ROM '{name}' in {Directory.Path}. Known: {(known.Length == 0 ? "none" : string.Join(", ", known))}. Burn it with 'vai burn'.");
    }

    private static int FindName(RegistryWriter writer, string wanted, string id, bool rename, RomHeader header, out string name)
    {
        name = wanted;
        int index = writer.Find(wanted);
        if (index < 0 || rename || (writer.TryRead(index, out RegistryEntry there) && there.RomId == id))
            return index;
        name = UniqueName(writer, wanted, header);
        return -1;
    }

    // An image that lost its last name, unless somebody is attached: then the next process to open the directory names it again.
    private void RemoveUnnamed(string id, ReadOnlySpan<byte> digest)
    {
        if (!Registry.ReadAll().Any(e => e.Entry.RomId == id) && Leases.Count(digest).Leases == 0)
            _ = LibcNative.unlink(Directory.ImagePath(id));
    }
}
