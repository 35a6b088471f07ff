using System.Runtime.InteropServices;
using VAI.Native.Memory;
using VAI.Native.Registry;
using VAI.Native.Registry.Entries;
using VAI.Native.Registry.Leases;
using VAI.Native.Rom;

namespace VAI.Diagnostics;

/// <summary>The registry and the locks on images in the terms of the public API.</summary>
internal static class RomStatusReader
{
    public static RomStatus Read(string? option)
    {
        (string path, _) = RomDirectory.Locate(option);
        if (RomDirectory.Open(option, create: false) is not { } directory)
            return new RomStatus { Directory = path };
        (long total, long free) = directory.Space;
        using var registry = RomRegistry.TryOpen(directory.Path);
        if (registry is null)
            return new RomStatus { Directory = path, TotalBytes = total, FreeBytes = free };

        // The owner's alone: others may not even open them.
        using LeaseTable? table = directory.IsOwned ? Leases(directory.Path) : null;
        ILookup<UInt128, LeaseInfo> leases = ByRom(table);
        RegistryEntry[] entries = [.. registry.ReadAll().Select(e => e.Entry)];
        using HugePageSampler? sampler = directory.IsInMemory ? HugePageSampler.TryOpen() : null;
        var uses = entries.Select(e => e.RomId).Distinct().ToDictionary(id => id, id => RomUse.Of(directory.ImagePath(id), sampler));
        ILookup<string, string> names = NamesOf(entries);
        var alive = entries.Select(e => e.Owner).Distinct().ToDictionary(o => o, o => o.IsAlive);
        return new RomStatus
        {
            Directory = path,
            OwnerPid = registry.LastWriter.Pid,
            OwnerAlive = registry.LastWriter.IsAlive,
            RomBytes = entries.DistinctBy(e => e.RomId).Sum(e => e.Bytes),
            TotalBytes = total,
            FreeBytes = free,
            Roms = [.. entries.OrderBy(e => e.Name, StringComparer.Ordinal).Select(e => Info(e, names, directory, leases, uses[e.RomId], alive[e.Owner]))],
        };
    }

    // It only counts: a damaged one, which whoever attaches next makes anew, keeps nothing else from being said.
    private static LeaseTable? Leases(string directory)
    {
        try
        {
            return LeaseTable.TryOpen(directory);
        }
        catch (VaiEngineException e) when (e.Code == VaiError.RegistryDamaged)
        {
            return null;
        }
    }

    public static RomInfo Info(in RegistryEntry e, RomStore store) =>
        Info(e, NamesOf(store.Registry.ReadAll().Select(o => o.Entry)), store.Directory, ByRom(store.Leases),
        RomUse.Of(store.Directory.ImagePath(e.RomId), store.Directory.IsInMemory), e.Owner.IsAlive);

    private static RomInfo Info(
        RegistryEntry e, ILookup<string, string> names, RomDirectory directory, ILookup<UInt128, LeaseInfo> leases, RomUse use, bool ownerAlive)
    {
        bool burning = e.State == RomState.Burning;
        return new RomInfo
        {
            Name = e.Name,
            Id = e.RomId,
            Digest = burning ? "" : Convert.ToHexStringLower(e.Digest),
            Condition = (RomCondition)e.State,
            Profile = (RomProfile)e.Profile,
            Packed = e.Packed,
            Note = e.Note,
            Bytes = e.Bytes,
            HugePages = burning ? null : use.HugePages,
            Burned = burning ? (double)e.BytesDone / Math.Max(1, e.Bytes) : 1,
            Architecture = e.Architecture,
            VocabularySize = e.Vocabulary,
            Layers = e.Layers,
            EmbeddingLength = e.Embedding,
            TrainingContextLength = e.ContextLength,
            BurnTime = TimeSpan.FromMicroseconds(e.BurnMicroseconds),
            BurnedAt = DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(e.BurnedAtUnixMs, 0, 253402300799999)),
            LoadTime = TimeSpan.FromMicroseconds(e.LoadMicroseconds),
            OnDevices = burning ? [] : OnDevicesOf(e, leases),
            OtherNames = [.. names[e.RomId].Where(n => n != e.Name).Order(StringComparer.Ordinal)],
            Attached = burning ? 0 : use.Leases,
            Sessions = burning ? 0 : use.Sessions,
            Holders = burning ? [] : HoldersOf(e, leases),
            TokensServed = e.TokensServed + (burning ? 0 : leases[KeyOf(e)].Sum(l => l.Tokens)),
            OwnerPid = e.OwnerPid,
            OwnerAlive = e.State == RomState.Ready ? ownerAlive : StoreRepair.IsGoingOn(directory, e),
        };
    }

    private static ILookup<string, string> NamesOf(IEnumerable<RegistryEntry> entries) => entries.ToLookup(e => e.RomId, e => e.Name);

    private static int[] HoldersOf(in RegistryEntry e, ILookup<UInt128, LeaseInfo> leases) => [.. LiveOf(e, leases).Select(l => l.Owner.Pid).Order()];

    // By the start time, too: processes of two pid namespaces may share an id.
    private static DeviceHolder[] OnDevicesOf(in RegistryEntry e, ILookup<UInt128, LeaseInfo> leases) =>
    [
        .. LiveOf(e, leases).Where(l => !l.Devices.IsEmpty).GroupBy(l => l.Owner, l => l.Devices).OrderBy(g => g.Key.Pid)
            .Select(g => new DeviceHolder(g.Key.Pid, g.Aggregate((a, b) => a | b).Names)),
    ];

    private static IEnumerable<LeaseInfo> LiveOf(in RegistryEntry e, ILookup<UInt128, LeaseInfo> leases)
    {
        ulong name = LeaseTable.KeyOf(e.Name);
        return leases[KeyOf(e)].Where(l => l.IsLive && l.NameKey == name);
    }

    // Once for all ROMs: the kernel is asked about the lock of each lease.
    private static ILookup<UInt128, LeaseInfo> ByRom(LeaseTable? leases) => (leases?.ReadAll() ?? []).ToLookup(l => l.RomKey);

    private static UInt128 KeyOf(in RegistryEntry e) => MemoryMarshal.Read<UInt128>(e.Digest);
}
