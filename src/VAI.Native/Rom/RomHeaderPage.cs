using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using VAI.Native.Gguf;
using VAI.Native.Llama;
using VAI.Native.Memory;
using static VAI.Native.Rom.RomLayout;

namespace VAI.Native.Rom;

/// <summary>A header to and from its page.</summary>
internal static class RomHeaderPage
{
    /// <summary>Whether a buffer type's packing fits the header.</summary>
    public static bool Fits(IReadOnlyList<(string BufferType, string Pattern)> packing) =>
        Encoding.UTF8.GetByteCount(PackingText(packing)) <= PackingBytes;

    /// <summary>The whole page, with the magic.</summary>
    /// <exception cref="ArgumentException">A text or the section table does not fit.</exception>
    public static byte[] Write(RomHeader h)
    {
        byte[] page = new byte[Page];
        Magic.CopyTo(page);
        U32(VersionAt, h.Tied is null ? UntiedVersion : RomLayout.Version);
        U32(SealedAt, 1);
        page[ProfileAt] = (byte)h.Profile;
        page[LayoutAt] = (byte)h.Weights;
        BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(FlagsAt), (ushort)h.Flags);
        U32(SectionCountAt, (uint)h.Sections.Count);
        I64(ImageBytesAt, h.ImageBytes);
        I64(MetadataOffsetAt, Page);
        I64(MetadataBytesAt, h.MetadataBytes);
        U32(MetadataCrcAt, h.MetadataCrc);
        h.ImageDigest.CopyTo(page, ImageDigestAt);
        h.SourceDigest.CopyTo(page, SourceDigestAt);
        I64(SourceBytesAt, h.Source.Bytes);
        I64(SourceMtimeAt, h.Source.MtimeNs);
        h.Source.Key.CopyTo(page, SourceKeyAt);
        BinaryPrimitives.WriteUInt128BigEndian(page.AsSpan(SourceIdentityAt), h.Source.Identity);
        I64(BurnedAtAt, h.BurnedAt.ToUnixTimeMilliseconds());
        I64(BurnTimeAt, (long)h.BurnTime.TotalMicroseconds);
        h.Places.CopyTo(page, PlacesAt);
        Text(h.Build, BuildAt, BuildBytes);
        Text(h.Cpu, CpuAt, CpuBytes);
        Text(h.Name, NameAt, NameBytes);
        Text(Cut(h.Note, NoteBytes), NoteAt, NoteBytes);
        Text(PackingText(h.Packing), PackingAt, PackingBytes);

        // Only shown: the key finds it.
        Text(Cut(h.Source.Path, SourcePathBytes), SourcePathAt, SourcePathBytes);
        if (h.Sections.Count > MaxSections)
            throw new ArgumentException($"{h.Sections.Count} sections are more than {MaxSections}.");
        for (int i = 0; i < h.Sections.Count; i++)
        {
            int at = SectionsAt + (i * SectionBytes);
            I64(at, h.Sections[i].Offset);
            I64(at + SectionLengthAt, h.Sections[i].Bytes);
            U32(at + SectionPhaseAt, (uint)h.Sections[i].Phase);
            Text(h.Sections[i].BufferType, at + SectionTypeAt, SectionTypeBytes);
        }

        if (h.Tied is { } tied)
        {
            U32(TiedTypeAt, (uint)tied.Type);
            U32(TiedLengthAt, (uint)tied.RowLength);
            U32(TiedRowsAt, (uint)tied.Rows);
            BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(TiedInterleavedAt), (ushort)tied.Layout.Rows);
            BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(TiedChunkAt), (ushort)tied.Layout.Chunk);
            BinaryPrimitives.WriteSingleLittleEndian(page.AsSpan(TiedScaleAt), tied.Scale);
            int hole = h.Sections.TakeWhile(s => s.HoleBytes == 0).Count() % Math.Max(1, h.Sections.Count);
            U32(HoleSectionAt, (uint)hole);
            I64(HoleAt, h.Sections[hole].HoleAt);
            I64(HoleBytesAt, h.Sections[hole].HoleBytes);
        }

        U32(CrcAt, Crc(page.AsSpan(0, CrcAt)));
        return page;

        void U32(int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(at), value);
        void I64(int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(page.AsSpan(at), value);
        void Text(string text, int at, int room)
        {
            if (Encoding.UTF8.GetByteCount(text) > room)
                throw new ArgumentException($"'{text}' does not fit into {room} bytes.");
            Encoding.UTF8.GetBytes(text, page.AsSpan(at, room));
        }
    }

    /// <summary>Reads a page and checks that it is whole and consistent with itself.</summary>
    /// <param name="page">The first page of the file.</param>
    /// <param name="path">For errors.</param>
    /// <exception cref="VaiEngineException">
    /// <see cref="VaiError.RomTooNew"/> or <see cref="VaiError.RomDamaged"/>, with what is wrong.
    /// </exception>
    public static RomHeader Read(ReadOnlySpan<byte> page, string path)
    {
        if (!page[..Magic.Length].SequenceEqual(Magic))
            throw Damaged(path, "it does not begin with a ROM's magic: it is no ROM, or was never finished");

        // Before the CRC, whose place a newer version may have moved.
        uint version = U32(page, VersionAt);
        if (version > RomLayout.Version)
        {
            throw new VaiEngineException(
                VaiError.RomTooNew,
                $"{path}: the ROM has layout version {version}; this VAI reads {RomLayout.Version}. Use a newer VAI, or evict the ROM and burn it again.");
        }

        uint crc = Crc(page[..CrcAt]);
        if (U32(page, CrcAt) != crc)
            throw Damaged(path, $"its header has checksum {crc:x8} where {U32(page, CrcAt):x8} was burned");
        var header = new RomHeader
        {
            Profile = (RomProfile)page[ProfileAt],
            Weights = (RomWeights)page[LayoutAt],
            Flags = (RomFlags)BinaryPrimitives.ReadUInt16LittleEndian(page[FlagsAt..]),
            ImageBytes = I64(page, ImageBytesAt),
            MetadataBytes = I64(page, MetadataBytesAt),
            MetadataCrc = U32(page, MetadataCrcAt),
            ImageDigest = page.Slice(ImageDigestAt, DigestBytes).ToArray(),
            SourceDigest = page.Slice(SourceDigestAt, DigestBytes).ToArray(),
            Source = new RomSource(
                Text(page, SourcePathAt, SourcePathBytes),
                I64(page, SourceBytesAt),
                I64(page, SourceMtimeAt),
                BinaryPrimitives.ReadUInt128BigEndian(page[SourceIdentityAt..])),
            BurnedAt = DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(I64(page, BurnedAtAt), 0, 253402300799999)),
            BurnTime = TimeSpan.FromMicroseconds(Math.Clamp(I64(page, BurnTimeAt), 0, long.MaxValue / 20)),
            Places = page.Slice(PlacesAt, PlacesBytes).ToArray(),
            Build = Text(page, BuildAt, BuildBytes),
            Cpu = Text(page, CpuAt, CpuBytes),
            Name = Text(page, NameAt, NameBytes),
            Note = Text(page, NoteAt, NoteBytes),
            Packing = ParsePacking(Text(page, PackingAt, PackingBytes)),
            Sections = ParseSections(page),
            Tied = version == RomLayout.Version ? ParseTied(page) : null,
        };
        return Inconsistency(header, page) is { } what ? throw Damaged(path, what) : header;
    }

    /// <summary>CRC-32C (Castagnoli), as the processor computes it.</summary>
    public static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = Crc32C.Append(Crc32C.Seed, bytes[..(bytes.Length & ~7)]);
        foreach (byte b in bytes[(bytes.Length & ~7)..])
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }

    public static VaiEngineException Damaged(string path, string what) =>
        new(VaiError.RomDamaged, $"{path}: the ROM is damaged: {what}. Evict it and burn it again.");

    // A CRC excludes accidents, not headers made wrong: every number that leads somewhere is checked as well.
    private static string? Inconsistency(RomHeader h, ReadOnlySpan<byte> page)
    {
        if (U32(page, VersionAt) < UntiedVersion || U32(page, SealedAt) != 1)
            return "it is not sealed";
        if (h.Profile is not (RomProfile.Fast or RomProfile.Exact) || !Enum.IsDefined(h.Weights) || I64(page, MetadataOffsetAt) != Page)
            return "its header has values that do not exist";
        if (h.ImageBytes < Page || h.ImageBytes % Page != 0 || h.MetadataBytes <= 0 || h.MetadataBytes > h.ImageBytes - Page
            || h.MetadataBytes > int.MaxValue)
        {
            return "its sizes contradict each other";
        }

        if ((h.Weights == RomWeights.Packed) != (h.Sections.Count > 0))
            return "its section table does not go with its layout";
        long end = Page + h.MetadataBytes;
        foreach (RomSection s in h.Sections)
        {
            if (s.Phase is < 0 or >= Page || s.Bytes <= 0 || !IsHole(s))
                return "its section table leaves the image";
            if (s.Offset < end || s.Offset > h.ImageBytes - (s.Bytes - s.HoleBytes) || s.Offset % Page != s.Phase)
                return "its section table leaves the image";
            end = s.End;
        }

        return h.Tied is { IsValid: false } or { Bytes: <= 0 } || (h.Tied is not null && h.Weights != RomWeights.Packed)
            ? "its output matrix cannot be" : null;
    }

    // Whole pages, in memory as in the file.
    private static bool IsHole(RomSection s) =>
        (s.HoleAt, s.HoleBytes) == (0, 0)
        || (s.HoleAt >= 0 && s.HoleBytes > 0 && s.HoleAt <= s.Bytes - s.HoleBytes
            && s.HoleBytes % Page == 0 && (s.Phase + s.HoleAt) % Page == 0);

    private static TiedOutput ParseTied(ReadOnlySpan<byte> page) => new(
        (GgmlType)U32(page, TiedTypeAt),
        (int)Math.Min(U32(page, TiedLengthAt), int.MaxValue),
        (int)Math.Min(U32(page, TiedRowsAt), int.MaxValue),
        BinaryPrimitives.ReadSingleLittleEndian(page[TiedScaleAt..]),
        new PackedLayout(
            BinaryPrimitives.ReadUInt16LittleEndian(page[TiedInterleavedAt..]), BinaryPrimitives.ReadUInt16LittleEndian(page[TiedChunkAt..])));

    private static RomSection[] ParseSections(ReadOnlySpan<byte> page)
    {
        var sections = new RomSection[Math.Min(U32(page, SectionCountAt), MaxSections)];
        for (int i = 0; i < sections.Length; i++)
        {
            ReadOnlySpan<byte> s = page.Slice(SectionsAt + (i * SectionBytes), SectionBytes);
            sections[i] = new RomSection(
                I64(s, 0), I64(s, SectionLengthAt), (int)Math.Min(U32(s, SectionPhaseAt), int.MaxValue), Text(s, SectionTypeAt, SectionTypeBytes));
        }

        uint hole = U32(page, HoleSectionAt);
        if (U32(page, VersionAt) == RomLayout.Version && hole < sections.Length)
            sections[hole] = sections[hole] with { HoleAt = I64(page, HoleAt), HoleBytes = I64(page, HoleBytesAt) };
        return sections;
    }

    // One line for each buffer type: its name, a tab, the pattern.
    private static string PackingText(IReadOnlyList<(string BufferType, string Pattern)> packing) =>
        string.Join('\n', packing.Select(p => p.BufferType + "\t" + p.Pattern));

    private static (string BufferType, string Pattern)[] ParsePacking(string text) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t', 2)).Where(p => p.Length == 2).Select(p => (p[0], p[1]))];

    private static string Cut(string text, int room)
    {
        int length = text.Length;
        while (Encoding.UTF8.GetByteCount(text.AsSpan(0, length)) > room)
            length -= length > 1 && char.IsLowSurrogate(text[length - 1]) ? 2 : 1;
        return text[..length];
    }

    private static string Text(ReadOnlySpan<byte> page, int at, int room)
    {
        ReadOnlySpan<byte> field = page.Slice(at, room);
        int end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }

    private static uint U32(ReadOnlySpan<byte> page, int at) => BinaryPrimitives.ReadUInt32LittleEndian(page[at..]);

    private static long I64(ReadOnlySpan<byte> page, int at) => BinaryPrimitives.ReadInt64LittleEndian(page[at..]);
}
