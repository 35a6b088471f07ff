using FsCheck;
using FsCheck.Xunit;

namespace VAI.Native.Tests.Rom;

/// <summary>The header page, without any file.</summary>
public sealed class LayoutTests
{
    /// <summary>Tripwire: the diagram of <see cref="RomLayout"/>, written out a second time on purpose.</summary>
    [Fact]
    public void Everything_lies_where_the_diagram_says()
    {
        Assert.Equal((4096, 2u, 1u), (RomLayout.Page, RomLayout.Version, RomLayout.UntiedVersion));
        Assert.Equal("VAI-ROM\n"u8, RomLayout.Magic);
        Assert.Equal((0, 8, 12), (RomLayout.MagicAt, RomLayout.VersionAt, RomLayout.SealedAt));
        Assert.Equal((16, 17, 18, 20), (RomLayout.ProfileAt, RomLayout.LayoutAt, RomLayout.FlagsAt, RomLayout.SectionCountAt));
        Assert.Equal((24, 32, 40), (RomLayout.ImageBytesAt, RomLayout.MetadataOffsetAt, RomLayout.MetadataBytesAt));
        Assert.Equal((48, 52), (RomLayout.MetadataCrcAt, RomLayout.ReservedAt));
        Assert.Equal((56, 88), (RomLayout.ImageDigestAt, RomLayout.SourceDigestAt));
        Assert.Equal((120, 128, 136), (RomLayout.SourceBytesAt, RomLayout.SourceMtimeAt, RomLayout.SourceKeyAt));
        Assert.Equal((152, 160, 168), (RomLayout.BurnedAtAt, RomLayout.BurnTimeAt, RomLayout.PlacesAt));
        Assert.Equal((176, 240, 336), (RomLayout.BuildAt, RomLayout.CpuAt, RomLayout.NameAt));
        Assert.Equal((592, 784, 1552), (RomLayout.NoteAt, RomLayout.PackingAt, RomLayout.SourcePathAt));
        Assert.Equal((2576, 64, 22, 4092), (RomLayout.SectionsAt, RomLayout.SectionBytes, RomLayout.MaxSections, RomLayout.CrcAt));
        Assert.Equal((8, 16, 24, 40), (RomLayout.SectionLengthAt, RomLayout.SectionPhaseAt, RomLayout.SectionTypeAt, RomLayout.SectionTypeBytes));
        Assert.Equal((3984, 3988, 3992), (RomLayout.TiedTypeAt, RomLayout.TiedLengthAt, RomLayout.TiedRowsAt));
        Assert.Equal((3996, 3998, 4000), (RomLayout.TiedInterleavedAt, RomLayout.TiedChunkAt, RomLayout.TiedScaleAt));
        Assert.Equal((4004, 4008, 4016, 4024), (RomLayout.HoleSectionAt, RomLayout.HoleAt, RomLayout.HoleBytesAt, RomLayout.SourceIdentityAt));
        Assert.InRange(RomLayout.SectionsAt + (RomLayout.MaxSections * RomLayout.SectionBytes), RomLayout.SectionsAt, RomLayout.CrcAt);
    }

    /// <summary>Values in images: they never change.</summary>
    [Fact]
    public void Stored_values_are_these()
    {
        Assert.Equal((0, 1, 2), ((int)RomProfile.Fast, (int)RomProfile.Exact, (int)RomProfile.None));
        Assert.Equal((0, 1), ((int)RomWeights.Plain, (int)RomWeights.Packed));
        Assert.Equal((0, 1, 2), ((int)RomFlags.None, (int)RomFlags.BatchInvariant, (int)RomFlags.RowsAreAlike));
    }

    /// <summary>The bytes of a page, taken apart by offset alone.</summary>
    [Fact]
    public void A_page_holds_its_header_where_the_diagram_says()
    {
        RomHeader h = Headers.Packed(2);
        byte[] page = RomHeaderPage.Write(h);
        Assert.Equal("VAI-ROM\n"u8, page.AsSpan(0, 8));
        Assert.Equal([1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 2, 0, 0, 0], page[8..24]);
        Assert.Equal(h.ImageBytes, BitConverter.ToInt64(page, 24));
        Assert.Equal(4096, BitConverter.ToInt64(page, 32));
        Assert.Equal(h.MetadataBytes, BitConverter.ToInt64(page, 40));
        Assert.Equal(h.MetadataCrc, BitConverter.ToUInt32(page, 48));
        Assert.Equal(h.ImageDigest, page[56..88]);
        Assert.Equal(h.SourceDigest, page[88..120]);
        Assert.Equal((h.Source.Bytes, h.Source.MtimeNs), (BitConverter.ToInt64(page, 120), BitConverter.ToInt64(page, 128)));
        Assert.Equal(h.Source.Key, page[136..152]);
        Assert.Equal("000102030405060708090a0b0c0d0e0f", Convert.ToHexStringLower(page.AsSpan(4024, 16)));
        Assert.Equal(h.BurnedAt.ToUnixTimeMilliseconds(), BitConverter.ToInt64(page, 152));
        Assert.Equal("the build\0"u8, page.AsSpan(176, 10));
        Assert.Equal("the kernels\0"u8, page.AsSpan(240, 12));
        Assert.Equal("the name\0"u8, page.AsSpan(336, 9));
        Assert.Equal("CPU_REPACK\t^a$\nCPU_OTHER\t^b$\0"u8, page.AsSpan(784, 29));
        Assert.Equal(h.Source.Path + "\0", System.Text.Encoding.UTF8.GetString(page, 1552, h.Source.Path.Length + 1));
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(h.Sections[i].Offset, BitConverter.ToInt64(page, 2576 + (64 * i)));
            Assert.Equal(h.Sections[i].Bytes, BitConverter.ToInt64(page, 2584 + (64 * i)));
            Assert.Equal(h.Sections[i].Phase, BitConverter.ToInt32(page, 2592 + (64 * i)));
            Assert.Equal("CPU_REPACK\0"u8, page.AsSpan(2600 + (64 * i), 11));
        }

        // CRC-32C of its nine check digits is in every list of CRCs.
        Assert.Equal(0xE3069283u, RomHeaderPage.Crc("123456789"u8));
        Assert.Equal(RomHeaderPage.Crc(page.AsSpan(0, 4092)), BitConverter.ToUInt32(page, 4092));
    }

    /// <summary>What version 2 adds, and that it is version 2 only then.</summary>
    [Fact]
    public void A_page_of_tied_embeddings_holds_them_where_the_diagram_says()
    {
        RomHeader h = Headers.Tied();
        byte[] page = RomHeaderPage.Write(h);
        Assert.Equal(2, page[8]);
        Assert.Equal([12, 256, 2048], Enumerable.Range(0, 3).Select(i => BitConverter.ToInt32(page, 3984 + (4 * i))));
        Assert.Equal((8, 4), (BitConverter.ToInt16(page, 3996), BitConverter.ToInt16(page, 3998)));
        Assert.Equal((1.5f, 1), (BitConverter.ToSingle(page, 4000), BitConverter.ToInt32(page, 4004)));
        Assert.Equal((4096 - 64, 8192), (BitConverter.ToInt64(page, 4008), BitConverter.ToInt64(page, 4016)));
        RomHeader read = RomHeaderPage.Read(page, "x");
        Assert.Equal(h.Tied, read.Tied);
        Assert.Equal(h.Sections, read.Sections);
        Assert.Equal(page, RomHeaderPage.Write(read));

        // Without a hole, as where the embeddings are smaller than a page.
        h = h with { Sections = [.. Headers.Packed(2).Sections], ImageBytes = Headers.Packed(2).ImageBytes };
        Assert.Equal(h.Sections, RomHeaderPage.Read(RomHeaderPage.Write(h), "x").Sections);
    }

    [Theory]
    [InlineData(0, 4032, 0, 0)]
    [InlineData(0, 4031 + 4096, 0, 0)]
    [InlineData(0, 4032 + 4096, 4032, 4096)]
    [InlineData(4032, 4096, 4032, 4096)]
    [InlineData(4033, 8192 + 4094, 8128, 4096)]
    [InlineData(4033, 8192 + 4095, 8128, 8192)]
    public void A_hole_is_whole_pages_inside_what_is_left_out(long at, long bytes, long holeAt, long holeBytes)
    {
        RomSection section = new RomSection(8192 + 64, 100_000, 64, "CPU").WithHole(at, bytes);
        Assert.Equal((holeAt, holeBytes), (section.HoleAt, section.HoleBytes));
        Assert.Equal(section.End - section.Offset, section.Parts.Sum(p => p.Bytes));
        Assert.Equal((100_000, section.End), (section.Parts.Last().At + section.Parts.Last().Bytes, section.Parts.Last().Offset + section.Parts.Last().Bytes));
    }

    [Property(MaxTest = 300)]
    public void A_header_is_read_as_it_was_written(
        NonNull<string> name, NonNull<string> note, NonNull<string> path, NonNull<string> build, byte sections, long mtime, uint crc, bool exact)
    {
        RomHeader written = Headers.Packed(sections % (RomLayout.MaxSections + 1)) with
        {
            Name = Headers.Storable(name.Get, RomLayout.NameBytes),
            Note = Headers.Storable(note.Get, RomLayout.NoteBytes),
            Build = Headers.Storable(build.Get, RomLayout.BuildBytes),
            Source = new RomSource(Headers.Storable(path.Get, RomLayout.SourcePathBytes), mtime & long.MaxValue, mtime, new UInt128(crc, (ulong)mtime)),
            MetadataCrc = crc,
            Profile = exact ? RomProfile.Exact : RomProfile.Fast,
        };
        byte[] page = RomHeaderPage.Write(written);
        RomHeader read = RomHeaderPage.Read(page, "x");
        Assert.Equal(page, RomHeaderPage.Write(read));
        Assert.Equal(
            (written.Name, written.Note, written.Build, written.Source, written.MetadataCrc, written.Profile, written.Weights),
            (read.Name, read.Note, read.Build, read.Source, read.MetadataCrc, read.Profile, read.Weights));
        Assert.Equal(written.Sections, read.Sections);
        Assert.Equal(written.Packing, read.Packing);
        Assert.Equal((written.Flags, written.BurnedAt, written.BurnTime, written.Cpu), (read.Flags, read.BurnedAt, read.BurnTime, read.Cpu));
        Assert.Equal((written.ImageBytes, written.MetadataBytes), (read.ImageBytes, read.MetadataBytes));
        Assert.Equal([.. written.ImageDigest, .. written.SourceDigest, .. written.Places], [.. read.ImageDigest, .. read.SourceDigest, .. read.Places]);
    }

    [Fact]
    public void What_does_not_fit_is_cut_where_it_is_only_shown_and_refused_where_it_counts()
    {
        string many = string.Concat(Enumerable.Repeat("\U0001F4BE", 400));
        RomHeader read = RomHeaderPage.Read(
            RomHeaderPage.Write(Headers.Packed(1) with { Note = "x" + many, Source = new RomSource(many, 1, 2) }), "x");
        Assert.Equal("x" + many[..94], read.Note);
        Assert.Equal(many[..512], read.Source.Path);
        Assert.Throws<ArgumentException>(() => RomHeaderPage.Write(Headers.Packed(1) with { Name = many }));
        Assert.Throws<ArgumentException>(() => RomHeaderPage.Write(Headers.Packed(RomLayout.MaxSections + 1)));
        Assert.True(RomHeaderPage.Fits([("a", new string('b', RomLayout.PackingBytes - 2))]));
        Assert.False(RomHeaderPage.Fits([("a", new string('b', RomLayout.PackingBytes - 1))]));
    }
}
