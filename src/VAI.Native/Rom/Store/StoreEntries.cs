using VAI.Native.Gguf;
using VAI.Native.Registry;
using VAI.Native.Registry.Entries;

namespace VAI.Native.Rom;

/// <summary>From an image to its entry.</summary>
internal static class StoreEntries
{
    /// <summary>What the registry says of an image.</summary>
    public static RegistryEntry Of(RomFile rom, string id, string name, RomSource source, RomProfile profile)
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
            SourceIdentity = source.Identity,
            Note = h.Note,
        };

        static int Whole(long? value) => (int)Math.Clamp(value ?? 0, 0, int.MaxValue);
    }

    /// <summary>The name, or one made of it that no entry has.</summary>
    public static string UniqueName(RegistryWriter writer, string name, RomHeader header)
    {
        if (writer.Find(name) is null)
            return name;
        string stem = $"{name}@{Convert.ToHexStringLower(header.SourceDigest.AsSpan(0, 4))}";
        string candidate = stem;
        for (int i = 2; writer.Find(candidate) is not null; i++)
            candidate = $"{stem}-{i}";
        return candidate;
    }
}
