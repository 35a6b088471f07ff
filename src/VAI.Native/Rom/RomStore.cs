using VAI.Native.Gguf;
using VAI.Native.Interop;
using VAI.Native.Registry;

namespace VAI.Native.Rom;

/// <summary>An image in use: its file, and the lease that keeps it from being evicted.</summary>
internal sealed record RomHold(RomFile File, Lease Lease, RegistryEntry Entry) : IDisposable
{
    public void Dispose()
    {
        File.Dispose();
        Lease.Dispose();
    }
}

/// <summary>A ROM directory with its registry: burns, finds and holds images. Thread-safe.</summary>
/// <remarks>
/// The images are the truth and the registry their index: what a process that died left half done is put right by the next one
/// that opens the directory.
/// </remarks>
internal sealed partial class RomStore : IDisposable
{
    /// <summary>How long a change of the registry may wait for another; each takes microseconds.</summary>
    internal static readonly TimeSpan WriteDeadline = TimeSpan.FromSeconds(10);

    private RomStore(RomDirectory directory, RomRegistry registry, LeaseTable leases)
    {
        Directory = directory;
        Registry = registry;
        Leases = leases;
    }

    public RomDirectory Directory { get; }

    public RomRegistry Registry { get; }

    public LeaseTable Leases { get; }

    /// <summary>Opens the directory, making it if it is missing, and puts right what dead processes left.</summary>
    /// <param name="option">The directory, or null for <see cref="RomDirectory.Locate"/>.</param>
    /// <exception cref="VaiException">The directory or its registry cannot be used.</exception>
    public static RomStore Open(string? option)
    {
        var directory = RomDirectory.Open(option, create: true)!;
        RomRegistry? registry = null;
        LeaseTable? leases = null;
        try
        {
            if (directory.IsOwned)
            {
                registry = OpenRegistry(directory);
                leases = LeaseTable.Open(directory.Path, directory.LeaseMode);
            }
            else
            {
                registry = RomRegistry.TryOpen(directory.Path);
                leases = LeaseTable.TryOpen(directory.Path, writable: true);
                if (registry is null || leases is null)
                    throw new VaiUsageException(VaiError.RomNotBurned, $"{directory.Path}: nothing has been burned there. Ask its owner to burn the model.");
            }

            var store = new RomStore(directory, registry, leases);
            if (directory.IsOwned)
                store.Reconcile();
            return store;
        }
        catch
        {
            registry?.Dispose();
            leases?.Dispose();
            throw;
        }
    }

    /// <summary>Finds the ROM of a file, or of a name.</summary>
    /// <param name="fileOrName">A GGUF file, which need not exist any more, or a name in the registry.</param>
    /// <param name="profile">What for.</param>
    /// <param name="plain">Whether only plain weights will do, as for a GPU.</param>
    /// <returns>The entry of an image that is there, or is being burned; null if there is none.</returns>
    public RegistryEntry? Find(string fileOrName, RomProfile profile, bool plain) => Find(Registry, fileOrName, profile, plain);

    /// <summary>As the other overload, in a registry that is only read.</summary>
    public static RegistryEntry? Find(RomRegistry registry, string fileOrName, RomProfile profile, bool plain)
    {
        List<(int Index, RegistryEntry Entry)> all = registry.ReadAll();
        if (File.Exists(fileOrName))
        {
            RomSource source = RomBurner.Identify(fileOrName);
            byte[] key = source.Key;
            return First(e => e.SourceKey.SequenceEqual(key) && (e.SourceBytes, e.SourceMtimeNs) == (source.Bytes, source.MtimeNs)
                && Fits(e, profile, plain));
        }

        byte[] path = RomSource.KeyOf(Path.GetFullPath(fileOrName));
        return First(e => e.Name == fileOrName) ?? First(e => e.SourceKey.SequenceEqual(path) && Fits(e, profile, plain));

        RegistryEntry? First(Predicate<RegistryEntry> matches)
        {
            int found = all.FindIndex(e => matches(e.Entry));
            return found < 0 ? null : all[found].Entry;
        }
    }

    /// <summary>Takes a lease on an image and opens it. Waits for a burn that is going on.</summary>
    /// <param name="entry">From <see cref="Find(string, RomProfile, bool)"/>.</param>
    /// <param name="deadline">How long to wait.</param>
    /// <param name="cancellationToken">Stops the waiting.</param>
    /// <exception cref="VaiException">
    /// <see cref="VaiError.RomNotBurned"/>, <see cref="VaiError.RomBurning"/>, <see cref="VaiError.RomMismatch"/>,
    /// <see cref="VaiError.RomTooNew"/>, <see cref="VaiError.RomDamaged"/>, <see cref="VaiError.RomTruncated"/>.
    /// </exception>
    public RomHold Hold(RegistryEntry entry, TimeSpan deadline, CancellationToken cancellationToken)
    {
        if (entry.State == RomState.Burning)
        {
            // Whoever gets the burner's lock finds the image published, or the burn dead.
            RomBurnLock.Take(Directory, entry.RomId, deadline, () => { }, cancellationToken)?.Dispose();
            RomBurnLock.Sweep(Directory);
        }

        var file = RomFile.Open(Directory.ImagePath(entry.RomId));
        Lease? lease = null;
        try
        {
            file.CheckBuild();
            lease = TakeLease(file.Header.ImageDigest);

            // SYNC POINT with Evict, which first says that it evicts and then counts leases.
            if (Registry.ReadAll().Any(e => e.Entry.RomId == entry.RomId && e.Entry.State == RomState.Evicting))
                throw new VaiUsageException(VaiError.RomNotBurned, $"'{entry.Name}' is being evicted. Burn it again when that is done.");
            return new RomHold(file, lease, entry);
        }
        catch
        {
            lease?.Dispose();
            file.Dispose();
            throw;
        }
    }

    // Leases of the dead are freed by whoever sweeps next.
    private Lease TakeLease(byte[] digest)
    {
        try
        {
            return Leases.Take(digest);
        }
        catch (VaiEngineException e) when (e.Code == VaiError.RegistryFull && Directory.IsOwned)
        {
            using (RegistryWriter writer = Registry.BeginWrite(WriteDeadline, CancellationToken.None))
                Leases.Sweep(writer);
            return Leases.Take(digest);
        }
    }

    /// <summary>Notes what the last load from an image took. Best effort: nothing depends on it.</summary>
    public void NoteLoad(RomHold hold, TimeSpan time, bool gpu)
    {
        if (!Directory.IsOwned)
            return;
        try
        {
            using RegistryWriter writer = Registry.BeginWrite(TimeSpan.FromMilliseconds(100), CancellationToken.None);
            Leases.Sweep(writer);
            int index = writer.Find(hold.Entry.Name);
            if (index < 0 || !writer.TryRead(index, out RegistryEntry entry) || entry.RomId != hold.Entry.RomId)
                return;
            entry.LoadMicroseconds = (long)time.TotalMicroseconds;
            entry.Gpu = gpu;
            writer.Put(index, entry);
        }
        catch (VaiEngineException)
        {
        }
    }

    public void Dispose()
    {
        Registry.Dispose();
        Leases.Dispose();
    }

    internal static bool IsPackedForThis(in RegistryEntry entry) =>
        entry.RomId.EndsWith(RomDirectory.PackedSuffix, StringComparison.Ordinal);

    private static bool Fits(in RegistryEntry entry, RomProfile profile, bool plain) =>
        entry.State is RomState.Ready or RomState.Burning
        && (plain || profile == RomProfile.Exact
            ? !entry.Packed
            : entry.Profile == (byte)RomProfile.Fast && (!entry.Packed || IsPackedForThis(entry)));

    // The registry can be made again from the images, all but names given later and counts.
    private static RomRegistry OpenRegistry(RomDirectory directory)
    {
        RomRegistry? registry = null;
        try
        {
            registry = RomRegistry.Open(directory.Path, directory.RegistryMode);

            // One entry that cannot be read is as bad as none: nobody lists, finds or writes past it.
            registry.ReadAll();
            return registry;
        }
        catch (VaiEngineException e) when (e.Code == VaiError.RegistryDamaged)
        {
            registry?.Dispose();
            string path = Path.Combine(directory.Path, "registry");
            _ = LibcNative.rename(path, path + ".damaged");
            return RomRegistry.Open(directory.Path, directory.RegistryMode);
        }
    }

    private void Reconcile()
    {
        RomBurnLock.Sweep(Directory);
        using RegistryWriter writer = Registry.BeginWrite(WriteDeadline, CancellationToken.None);
        Leases.Sweep(writer);
        HashSet<string> images = [.. Directory.Images()];
        var known = new HashSet<string>();
        foreach ((int index, RegistryEntry read) in Registry.ReadAll())
        {
            RegistryEntry entry = read;
            bool there = images.Contains(entry.RomId);
            if (entry.State is RomState.Burning or RomState.Evicting && entry.Owner.IsAlive)
            {
                known.Add(entry.RomId);
            }
            else if (!there || entry.State == RomState.Burning)
            {
                // A burn that published and died before it said so is found among the images below.
                writer.Remove(index);
            }
            else
            {
                known.Add(entry.RomId);
                if (entry.State == RomState.Evicting)
                    writer.Put(index, entry with { State = RomState.Ready });
            }
        }

        foreach (string id in images.Except(known))
            Adopt(writer, id);
    }

    private void Adopt(RegistryWriter writer, string id)
    {
        try
        {
            using var rom = RomFile.Open(Directory.ImagePath(id));
            writer.Put(-1, EntryOf(rom, id, UniqueName(writer, rom.Header.Name, rom.Header), rom.Header.Source, rom.Header.Profile));
        }
        catch (VaiException)
        {
            // Of no use, and maybe somebody's to look into: it is not removed, and burning it again replaces it.
        }
    }

    private static string UniqueName(RegistryWriter writer, string name, RomHeader header)
    {
        if (writer.Find(name) < 0)
            return name;
        string stem = $"{name}@{Convert.ToHexStringLower(header.SourceDigest.AsSpan(0, 4))}";
        string candidate = stem;
        for (int i = 2; writer.Find(candidate) >= 0; i++)
            candidate = $"{stem}-{i}";
        return candidate;
    }

    private static RegistryEntry EntryOf(RomFile rom, string id, string name, RomSource source, RomProfile profile)
    {
        RomHeader h = rom.Header;
        using GgufFile gguf = rom.ParseMetadata();
        var info = GgufModelInfo.From(gguf);
        return new RegistryEntry
        {
            Name = name,
            RomId = id,
            State = RomState.Ready,
            Profile = (byte)profile,
            Packed = h.Weights == RomWeights.Packed,
            Digest = h.ImageDigest,
            Bytes = h.ImageBytes,
            BytesDone = h.ImageBytes,
            Architecture = info.Architecture ?? "",
            Vocabulary = Whole(info.VocabularySize),
            Layers = Whole(info.Layers),
            Embedding = Whole(info.EmbeddingLength),
            ContextLength = Whole(info.ContextLength),
            BurnMicroseconds = (long)h.BurnTime.TotalMicroseconds,
            BurnedAtUnixMs = h.BurnedAt.ToUnixTimeMilliseconds(),
            Owner = ProcessIdentity.Current,
            SourceKey = source.Key,
            SourceBytes = source.Bytes,
            SourceMtimeNs = source.MtimeNs,
            Note = h.Note,
        };

        static int Whole(long? value) => (int)Math.Clamp(value ?? 0, 0, int.MaxValue);
    }
}
