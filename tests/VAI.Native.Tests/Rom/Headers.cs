using System.Security.Cryptography;
using System.Text;

namespace VAI.Native.Tests.Rom;

/// <summary>Headers that are consistent with themselves and with no file.</summary>
internal static class Headers
{
    /// <summary>A packed image's with this many sections; with none, a plain one's.</summary>
    public static RomHeader Packed(int sections)
    {
        var table = new List<RomSection>();
        for (int i = 0; i < sections; i++)
            table.Add(new RomSection((RomLayout.Page * (2L + (3 * i))) + 64, RomLayout.Page + i, 64, "CPU_REPACK"));
        return new RomHeader
        {
            Profile = RomProfile.Fast,
            Weights = sections > 0 ? RomWeights.Packed : RomWeights.Plain,
            Flags = RomFlags.BatchInvariant,
            ImageBytes = RomLayout.Page * (2L + (3 * sections)),
            MetadataBytes = 1000,
            MetadataCrc = 0xDEADBEEF,
            ImageDigest = SHA256.HashData("image"u8),
            SourceDigest = SHA256.HashData("source"u8),
            Source = new RomSource("/models/a.gguf", 123_456_789_012, 1_700_000_000_123_456_789, new UInt128(0x0001020304050607, 0x08090A0B0C0D0E0F)),
            BurnedAt = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_456),
            BurnTime = TimeSpan.FromMicroseconds(1234),
            Places = [1, 2, 3, 4, 5, 6, 7, 8],
            Build = "the build",
            Cpu = "the kernels",
            Name = "the name",
            Note = "",
            Packing = [("CPU_REPACK", "^a$"), ("CPU_OTHER", "^b$")],
            Sections = table,
        };
    }

    /// <summary>A packed image's with tied embeddings: the second section has a hole of two pages.</summary>
    public static RomHeader Tied()
    {
        RomHeader h = Packed(2);
        RomSection hollow = h.Sections[1] with { Bytes = (4 * RomLayout.Page) + 1, HoleAt = RomLayout.Page - 64, HoleBytes = 2 * RomLayout.Page };
        return h with
        {
            Sections = [h.Sections[0], hollow],
            Tied = new TiedOutput(GgmlType.Q4_K, 256, 2048, 1.5f, new PackedLayout(8, 4)),
        };
    }

    /// <summary>As much of a text as a field takes: without NUL, which ends texts, and only whole characters.</summary>
    public static string Storable(string text, int bytes)
    {
        var kept = new StringBuilder();
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.Value == 0)
                continue;
            bytes -= rune.Utf8SequenceLength;
            if (bytes < 0)
                break;
            kept.Append(rune.ToString());
        }

        return kept.ToString();
    }
}
