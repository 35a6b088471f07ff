using VAI.Native.Registry;
using VAI.Native.Registry.Entries;
using VAI.Native.Source;

namespace VAI.Native.Rom;

/// <summary>From a file or a name to an entry.</summary>
internal static class StoreIndex
{
    /// <summary>Finds the ROM of a file, or of a name.</summary>
    /// <param name="registry">Where; it is only read.</param>
    /// <param name="fileOrName">A GGUF file, which need not exist any more, or a name in the registry.</param>
    /// <param name="profile">What for: exact takes a plain image if one was burned, and else the one that fast takes.</param>
    /// <param name="plain">Whether only plain weights will do, as for a GPU.</param>
    /// <returns>The entry of an image that is there, or is being burned; null if there is none.</returns>
    /// <remarks>
    /// A file is known by what its path leads to, and not by the path: what was put there with the same length and time is another
    /// file, and what a link leads to is the same.
    /// </remarks>
    public static RegistryEntry? Find(RomRegistry registry, string fileOrName, RomProfile profile, bool plain)
    {
        List<(EntrySlot Slot, RegistryEntry Entry)> all = registry.ReadAll();
        return Find(all, fileOrName, profile, plain)
            ?? (profile == RomProfile.Exact && !plain ? Find(all, fileOrName, RomProfile.Fast, plain) : null);
    }

    private static RegistryEntry? Find(List<(EntrySlot Slot, RegistryEntry Entry)> all, string fileOrName, RomProfile profile, bool plain)
    {
        if (RomSource.TryOf(fileOrName) is { } source)
        {
            byte[] key = source.Key;
            return First(e => IsOf(e, source) && e.SourceKey.SequenceEqual(key)) ?? First(e => IsOf(e, source));
        }

        byte[] path = RomSource.KeyOf(Path.GetFullPath(fileOrName));
        return First(e => e.Name == fileOrName) ?? First(e => e.SourceKey.SequenceEqual(path) && Fits(e, profile, plain));

        bool IsOf(in RegistryEntry e, RomSource source) =>
            (e.SourceIdentity, e.SourceBytes) == (source.Identity, source.Bytes) && Fits(e, profile, plain);

        RegistryEntry? First(Predicate<RegistryEntry> matches)
        {
            int found = all.FindIndex(e => matches(e.Entry));
            return found < 0 ? null : all[found].Entry;
        }
    }

    /// <summary>
    /// Finds the ROM of a file by reading all of it, for who cannot write down what the file is now: another mount, a copy, a touched
    /// file.
    /// </summary>
    /// <inheritdoc cref="Find(RomRegistry, string, RomProfile, bool)" path="/param"/>
    public static RegistryEntry? FindContents(RomStore store, string file, RomProfile profile, bool plain, CancellationToken cancellationToken)
    {
        List<(EntrySlot Slot, RegistryEntry Entry)> all = store.Registry.ReadAll();
        RomProfile[] profiles = profile == RomProfile.Exact && !plain ? [RomProfile.Exact, RomProfile.Fast] : [profile];
        if (!all.Any(e => e.Entry.State == RomState.Ready && profiles.Any(p => Fits(e.Entry, p, plain))))
            return null;
        using var source = ModelSource.Open(file);
        byte[] digest = source.Digest(null, cancellationToken);
        string stem = Convert.ToHexStringLower(digest.AsSpan(0, RomDirectory.IdDigestBytes));
        foreach (RegistryEntry entry in profiles.SelectMany(p => all.Select(e => e.Entry).Where(e => Fits(e, p, plain))))
        {
            if (entry.State != RomState.Ready || !entry.RomId.StartsWith(stem, StringComparison.Ordinal))
                continue;
            using var rom = RomFile.Open(store.Directory.ImagePath(entry.RomId));
            if (rom.Header.SourceDigest.AsSpan().SequenceEqual(digest))
                return entry;
        }

        return null;
    }

    private static bool Fits(in RegistryEntry entry, RomProfile profile, bool plain) =>
        entry.State is RomState.Ready or RomState.Burning
        && (plain || profile == RomProfile.Exact
            ? !entry.Packed
            : entry.Profile == (byte)RomProfile.Fast
                && (!entry.Packed || entry.RomId.EndsWith(RomDirectory.PackedSuffix, StringComparison.Ordinal)));
}
