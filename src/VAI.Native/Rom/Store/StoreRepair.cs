using VAI.Native.Registry;
using VAI.Native.Registry.Entries;

namespace VAI.Native.Rom;

/// <summary>Puts right what processes that died have left. Whether one lives, its lock says, in whatever pid namespace it is.</summary>
internal sealed class StoreRepair(RomStore store)
{
    /// <summary>Removes remains of burns, ends what the dead began, drops entries without an image, names images without an entry.</summary>
    public void Run()
    {
        RomDraft.Sweep(store.Directory);
        RomVocabulary.Sweep(store.Directory);
        using RegistryWriter writer = store.BeginWrite();
        store.Leases!.Sweep(writer);
        HashSet<string> images = [.. store.Directory.Images()];
        var known = new HashSet<string>();
        foreach ((EntrySlot slot, RegistryEntry entry) in store.Registry.ReadAll())
        {
            if (IsGoingOn(store.Directory, entry))
            {
                known.Add(entry.RomId);
            }
            else if (!images.Contains(entry.RomId) || entry.State == RomState.Burning)
            {
                // A burn that published and died before it said so is found among the images below.
                writer.Remove(slot);
            }
            else
            {
                known.Add(entry.RomId);
                if (entry.State == RomState.Evicting)
                    writer.Put(slot, entry with { State = RomState.Ready });
            }
        }

        foreach (string id in images.Except(known))
            Adopt(writer, id);
    }

    /// <summary>Whether a process is burning or evicting it now. One that may not ask takes it that there is.</summary>
    public static bool IsGoingOn(RomDirectory directory, in RegistryEntry entry) => entry.State switch
    {
        RomState.Burning => RomUsers.IsBurned(directory.BurnPath(entry.RomId)) ?? true,
        RomState.Evicting => RomUsers.IsEvicted(directory.ImagePath(entry.RomId)),
        _ => false,
    };

    private void Adopt(RegistryWriter writer, string id)
    {
        try
        {
            using var rom = RomFile.Open(store.Directory.ImagePath(id));
            RomHeader header = rom.Header;
            writer.Add(StoreEntries.Of(rom, id, StoreEntries.UniqueName(writer, header.Name, header), header.Source, header.Profile));
        }
        catch (VaiException)
        {
            // Of no use, and maybe somebody's to look into: it is not removed, and burning it again replaces it.
        }
    }
}
