using VAI.Native.Registry;
using VAI.Native.Rom;

namespace VAI.Diagnostics;

/// <summary>The registry and the leases in the terms of the public API.</summary>
internal static class RomStatusReader
{
    public static RomStatus Read(string? option)
    {
        (string path, _) = RomDirectory.Locate(option);
        if (RomDirectory.Open(option, create: false) is not { } directory)
            return new RomStatus { Directory = path };
        (long total, long free) = directory.Space;
        using var registry = RomRegistry.TryOpen(directory.Path);
        using var leases = LeaseTable.TryOpen(directory.Path);
        if (registry is null)
            return new RomStatus { Directory = path, TotalBytes = total, FreeBytes = free };
        RegistryEntry[] entries = [.. registry.ReadAll().Select(e => e.Entry)];
        return new RomStatus
        {
            Directory = path,
            OwnerPid = registry.LastWriter.Pid,
            OwnerAlive = registry.LastWriter.IsAlive,
            RomBytes = entries.DistinctBy(e => e.RomId).Sum(e => e.Bytes),
            TotalBytes = total,
            FreeBytes = free,
            Roms = [.. entries.OrderBy(e => e.Name, StringComparer.Ordinal).Select(e => Info(e, leases))],
        };
    }

    public static RomInfo Info(in RegistryEntry e, LeaseTable? leases)
    {
        bool burning = e.State == RomState.Burning;
        (int attached, int sessions, long tokens) = burning || leases is null ? default : leases.Count(e.Digest);
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
            Burned = burning ? (double)e.BytesDone / Math.Max(1, e.Bytes) : 1,
            Architecture = e.Architecture,
            VocabularySize = e.Vocabulary,
            Layers = e.Layers,
            EmbeddingLength = e.Embedding,
            TrainingContextLength = e.ContextLength,
            BurnTime = TimeSpan.FromMicroseconds(e.BurnMicroseconds),
            BurnedAt = DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(e.BurnedAtUnixMs, 0, 253402300799999)),
            LoadTime = TimeSpan.FromMicroseconds(e.LoadMicroseconds),
            OnGpu = e.Gpu,
            Attached = attached,
            Sessions = sessions,
            TokensServed = e.TokensServed + tokens,
            OwnerPid = e.OwnerPid,
            OwnerAlive = e.Owner.IsAlive,
        };
    }
}
