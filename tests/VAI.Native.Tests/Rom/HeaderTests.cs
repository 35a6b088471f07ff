using System.Buffers.Binary;

namespace VAI.Native.Tests.Rom;

/// <summary>Headers that must not be believed.</summary>
public sealed class HeaderTests
{
    private const string Path = "/roms/x.rom";

    /// <summary>Every bit of every one of the page's 1,024 words.</summary>
    [Fact]
    public void A_header_with_any_bit_flipped_is_refused()
    {
        byte[] page = RomHeaderPage.Write(Headers.Packed(2));
        int tooNew = 0;
        for (int bit = 0; bit < RomLayout.Page * 8; bit++)
        {
            page[bit / 8] ^= (byte)(1 << (bit % 8));
            VaiEngineException error = Assert.Throws<VaiEngineException>(() => RomHeaderPage.Read(page, Path));
            page[bit / 8] ^= (byte)(1 << (bit % 8));
            bool version = bit / 32 == RomLayout.VersionAt / 4 && bit % 32 != 0;
            Assert.True(error.Code == (version ? VaiError.RomTooNew : VaiError.RomDamaged), $"bit {bit}: {error.Code}");
            string says = version ? "layout version" : bit < 64 ? "magic" : "checksum";
            Assert.True(error.Message.StartsWith(Path + ": ", StringComparison.Ordinal) && error.Message.Contains(says), $"bit {bit}: {error.Message}");
            Assert.Contains("burn it again", error.Message);
            tooNew += version ? 1 : 0;
        }

        Assert.Equal(31, tooNew);
        Assert.Equal("the name", RomHeaderPage.Read(page, Path).Name);
    }

    public static TheoryData<string> Lies => [.. AllLies.Keys];

    /// <summary>A checksum excludes accidents, not lies: each number that leads somewhere is checked by itself.</summary>
    [Theory]
    [MemberData(nameof(Lies))]
    public void A_header_that_lies_with_a_good_checksum_is_refused(string lie)
    {
        byte[] page = RomHeaderPage.Write(Headers.Packed(2));
        Assert.Equal(2, RomHeaderPage.Read(page, Path).Sections.Count);
        AssertRefused(page, AllLies[lie]);
    }

    public static TheoryData<string> TiedLies => [.. AllTiedLies.Keys];

    [Theory]
    [MemberData(nameof(TiedLies))]
    public void A_header_that_lies_about_tied_embeddings_is_refused(string lie)
    {
        byte[] page = RomHeaderPage.Write(Headers.Tied());
        Assert.NotNull(RomHeaderPage.Read(page, Path).Tied);
        AssertRefused(page, AllTiedLies[lie]);
    }

    private static void AssertRefused(byte[] page, (string Says, Action<byte[]> Tell) lie)
    {
        lie.Tell(page);
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(RomLayout.CrcAt), RomHeaderPage.Crc(page.AsSpan(0, RomLayout.CrcAt)));
        VaiEngineException error = Assert.Throws<VaiEngineException>(() => RomHeaderPage.Read(page, Path));
        Assert.Equal(VaiError.RomDamaged, error.Code);
        Assert.Contains(lie.Says, error.Message);
    }

    // Headers.Tied(): rows of 256 of Q4_K, 8 x 4; the second section has its second and third page left out.
    private static readonly Dictionary<string, (string Says, Action<byte[]> Tell)> AllTiedLies = new()
    {
        ["a type without layouts"] = ("output matrix", p => p[RomLayout.TiedTypeAt] = 0),
        ["no type"] = ("output matrix", p => p[RomLayout.TiedTypeAt + 3] = 1),
        ["a broken block"] = ("output matrix", p => p[RomLayout.TiedLengthAt] = 1),
        ["no row"] = ("output matrix", p => p[RomLayout.TiedRowsAt + 1] = 0),
        ["a broken group of rows"] = ("output matrix", p => p[RomLayout.TiedRowsAt] = 1),
        ["rows of exabytes"] = ("output matrix", p => p[RomLayout.TiedLengthAt + 3] = 0x80),
        ["an unknown layout"] = ("output matrix", p => p[RomLayout.TiedInterleavedAt] = 4),
        ["no chunk"] = ("output matrix", p => p[RomLayout.TiedChunkAt] = 0),
        ["a scale that is no number"] = ("output matrix", p => BinaryPrimitives.WriteSingleLittleEndian(p.AsSpan(RomLayout.TiedScaleAt), float.NaN)),
        ["a hole between pages"] = ("leaves the image", p => Set(p, RomLayout.HoleAt, 4096)),
        ["a hole before its section"] = ("leaves the image", p => Set(p, RomLayout.HoleAt, -64)),
        ["a hole of half a page"] = ("leaves the image", p => Set(p, RomLayout.HoleBytesAt, 2048)),
        ["a negative hole"] = ("leaves the image", p => Set(p, RomLayout.HoleBytesAt, -4096)),
        ["a hole larger than its section"] = ("leaves the image", p => Set(p, RomLayout.HoleBytesAt, 1L << 62)),
        ["a hole in another section"] = ("leaves the image", p => p[RomLayout.HoleSectionAt] = 0),
        ["no hole"] = ("leaves the image", p => p[RomLayout.HoleSectionAt] = 9),
        ["plain"] = ("does not go with its layout", p => p[RomLayout.LayoutAt] = 0),
    };

    // Headers.Packed(2): 8 pages; sections of 4,096 bytes at 8,256 and of 4,097 at 20,544.
    private static readonly Dictionary<string, (string Says, Action<byte[]> Tell)> AllLies = new()
    {
        ["version 0"] = ("not sealed", p => p[RomLayout.VersionAt] = 0),
        ["not sealed"] = ("not sealed", p => p[RomLayout.SealedAt] = 0),
        ["sealed twice"] = ("not sealed", p => p[RomLayout.SealedAt] = 2),
        ["profile none"] = ("do not exist", p => p[RomLayout.ProfileAt] = 2),
        ["profile 255"] = ("do not exist", p => p[RomLayout.ProfileAt] = 255),
        ["layout 2"] = ("do not exist", p => p[RomLayout.LayoutAt] = 2),
        ["metadata elsewhere"] = ("do not exist", p => Set(p, RomLayout.MetadataOffsetAt, 8192)),
        ["no image"] = ("sizes contradict", p => Set(p, RomLayout.ImageBytesAt, 0)),
        ["negative image"] = ("sizes contradict", p => Set(p, RomLayout.ImageBytesAt, -4096)),
        ["a broken page"] = ("sizes contradict", p => Set(p, RomLayout.ImageBytesAt, (8 * 4096) + 1)),
        ["no metadata"] = ("sizes contradict", p => Set(p, RomLayout.MetadataBytesAt, 0)),
        ["negative metadata"] = ("sizes contradict", p => Set(p, RomLayout.MetadataBytesAt, -1)),
        ["metadata beyond the image"] = ("sizes contradict", p => Set(p, RomLayout.MetadataBytesAt, (7 * 4096) + 1)),
        ["metadata of exabytes"] = ("sizes contradict", p => Set(p, RomLayout.MetadataBytesAt, long.MaxValue)),
        ["metadata over a section"] = ("leaves the image", p => Set(p, RomLayout.MetadataBytesAt, 4161)),
        ["image shorter than its sections"] = ("leaves the image", p => Set(p, RomLayout.ImageBytesAt, 6 * 4096)),
        ["packed without sections"] = ("does not go with its layout", p => p[RomLayout.SectionCountAt] = 0),
        ["plain with sections"] = ("does not go with its layout", p => p[RomLayout.LayoutAt] = 0),
        ["more sections than there are"] = ("leaves the image", p => p[RomLayout.SectionCountAt] = 3),
        ["sections beyond the table"] = ("leaves the image", p => BinaryPrimitives.WriteUInt32LittleEndian(p.AsSpan(RomLayout.SectionCountAt), uint.MaxValue)),
        ["section before the image"] = ("leaves the image", p => Set(p, RomLayout.SectionsAt, -8128)),
        ["section over the header"] = ("leaves the image", p => Set(p, RomLayout.SectionsAt, 64)),
        ["section at the last byte"] = ("leaves the image", p => Set(p, RomLayout.SectionsAt + 64, (7 * 4096) + 64)),
        ["section behind the image"] = ("leaves the image", p => Set(p, RomLayout.SectionsAt + 64, (9 * 4096) + 64)),
        ["section at the end of numbers"] = ("leaves the image", p => Set(p, RomLayout.SectionsAt + 64, (long.MaxValue & ~4095) + 64)),
        ["empty section"] = ("leaves the image", p => Set(p, RomLayout.SectionsAt + 8, 0)),
        ["negative section"] = ("leaves the image", p => Set(p, RomLayout.SectionsAt + 8, -4096)),
        ["section of exabytes"] = ("leaves the image", p => Set(p, RomLayout.SectionsAt + 8, long.MaxValue)),
        ["sections that overlap"] = ("leaves the image", p => Set(p, RomLayout.SectionsAt + 8, 20_544 - 8256 + 1)),
        ["sections in wrong order"] = ("leaves the image", Swap),
        ["phase of another page"] = ("leaves the image", p => Set(p, RomLayout.SectionsAt + 16, 128)),
        ["phase of a page"] = ("leaves the image", p => Set(p, RomLayout.SectionsAt + 16, 4096 + 64)),
        ["negative phase"] = ("leaves the image", p => Set(p, RomLayout.SectionsAt + 16, 0xFFFF_FFC0)),
    };

    private static void Set(byte[] page, int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(page.AsSpan(at), value);

    private static void Swap(byte[] page)
    {
        byte[] first = page[RomLayout.SectionsAt..(RomLayout.SectionsAt + 64)];
        page.AsSpan(RomLayout.SectionsAt + 64, 64).CopyTo(page.AsSpan(RomLayout.SectionsAt));
        first.CopyTo(page, RomLayout.SectionsAt + 64);
    }
}
