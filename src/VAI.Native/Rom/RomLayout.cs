namespace VAI.Native.Rom;

/// <summary>
/// Where things lie in a ROM image. Little-endian; a page is 4,096 bytes whatever the machine's page size.
/// <code>
///          +----------------------------------------------+ 0
///          | header page: magic, version, sizes, digests, |
///          | identity, section table, CRC-32C             |
///          +----------------------------------------------+ 4096
///  packed  | the head of the GGUF file, verbatim          |
///          +-- page ---------------------------------- ...+ SectionOffset - Phase
///          | one section for each buffer of llama.cpp, as |
///          | it lies in memory: Phase bytes into the page |
///          +-- page --------------------------------------+ ImageBytes
///
///          +----------------------------------------------+ 4096
///  plain   | the whole GGUF file, verbatim, which         |
///          | llama.cpp maps by itself                     |
///          +-- page --------------------------------------+ ImageBytes
/// </code>
/// The header page:
/// <code>
///    0  magic "VAI-ROM\n"   written last     120  source's length                i64
///    8  layout version   u32                 128  source's mtime, ns             i64
///   12  sealed: 1        u32                 136  key of the source's path       16 bytes
///   16  profile          u8                  152  burned at, Unix ms             i64
///   17  layout           u8                  160  burning took, us               i64
///   18  flags            u16                 168  digest of the tensors' places  8 bytes
///   20  sections         u32                 176  llama.cpp build                64 bytes UTF-8
///   24  image bytes      i64                 240  CPU kernel library             96 bytes UTF-8
///   32  metadata offset  i64                 336  name                           256 bytes UTF-8
///   40  metadata bytes   i64                 592  note                           192 bytes UTF-8
///   48  metadata CRC     u32                 784  packing                        768 bytes UTF-8
///   52  reserved         u32                1552  source's path                  1024 bytes UTF-8
///   56  image digest     SHA-256            2576  section table                  22 x 64 bytes
///   88  source digest    SHA-256            4092  CRC-32C of all before it       u32
/// </code>
/// Layout version 2, for an image whose output matrix is its token embeddings as well, has before the CRC:
/// <code>
/// 3984  type of the matrix, as ggml's  u32   4004  section of the hole              u32
/// 3988  elements of a row              u32   4008  where the hole begins in it      i64
/// 3992  rows                           u32   4016  its length; 0 for none           i64
/// 3996  rows interleaved               u16   4000  what rows are scaled by          f32
/// 3998  bytes of a chunk of quants     u16
/// </code>
/// Other images are version 1 still. Texts end at their first NUL or at the end of their field. Both versions have at 4024 what the
/// source was (16 bytes, <see cref="RomSource.Identity"/>), 0 in images of an older VAI: not known.
/// </summary>
internal static class RomLayout
{
    public const int Page = 4096;

    /// <summary>The newest that is read; written only where it is needed.</summary>
    public const uint Version = 2;
    public const uint UntiedVersion = 1;

    public const int MagicAt = 0;
    public const int VersionAt = MagicAt + 8;
    public const int SealedAt = VersionAt + 4;
    public const int ProfileAt = SealedAt + 4;
    public const int LayoutAt = ProfileAt + 1;
    public const int FlagsAt = LayoutAt + 1;
    public const int SectionCountAt = FlagsAt + 2;
    public const int ImageBytesAt = SectionCountAt + 4;
    public const int MetadataOffsetAt = ImageBytesAt + 8;
    public const int MetadataBytesAt = MetadataOffsetAt + 8;
    public const int MetadataCrcAt = MetadataBytesAt + 8;
    public const int ReservedAt = MetadataCrcAt + 4;
    public const int ImageDigestAt = ReservedAt + 4;
    public const int SourceDigestAt = ImageDigestAt + DigestBytes;
    public const int SourceBytesAt = SourceDigestAt + DigestBytes;
    public const int SourceMtimeAt = SourceBytesAt + 8;
    public const int SourceKeyAt = SourceMtimeAt + 8;
    public const int BurnedAtAt = SourceKeyAt + KeyBytes;
    public const int BurnTimeAt = BurnedAtAt + 8;
    public const int PlacesAt = BurnTimeAt + 8;
    public const int BuildAt = PlacesAt + PlacesBytes;
    public const int CpuAt = BuildAt + BuildBytes;
    public const int NameAt = CpuAt + CpuBytes;
    public const int NoteAt = NameAt + NameBytes;
    public const int PackingAt = NoteAt + NoteBytes;
    public const int SourcePathAt = PackingAt + PackingBytes;
    public const int SectionsAt = SourcePathAt + SourcePathBytes;
    public const int TiedTypeAt = SectionsAt + (MaxSections * SectionBytes);
    public const int TiedLengthAt = TiedTypeAt + 4;
    public const int TiedRowsAt = TiedLengthAt + 4;
    public const int TiedInterleavedAt = TiedRowsAt + 4;
    public const int TiedChunkAt = TiedInterleavedAt + 2;
    public const int TiedScaleAt = TiedChunkAt + 2;
    public const int HoleSectionAt = TiedScaleAt + 4;
    public const int HoleAt = HoleSectionAt + 4;
    public const int HoleBytesAt = HoleAt + 8;
    public const int SourceIdentityAt = HoleBytesAt + 8;
    public const int CrcAt = Page - 4;

    public const int DigestBytes = 32;
    public const int KeyBytes = 16;
    public const int PlacesBytes = 8;
    public const int BuildBytes = 64;
    public const int CpuBytes = 96;
    public const int NameBytes = 256;
    public const int NoteBytes = 192;
    public const int PackingBytes = 768;
    public const int SourcePathBytes = 1024;

    // A section: offset i64, bytes i64, phase u32, reserved u32, buffer type 40 bytes UTF-8.
    public const int SectionBytes = 64;
    public const int SectionLengthAt = 8;
    public const int SectionPhaseAt = 16;
    public const int SectionTypeAt = 24;
    public const int SectionTypeBytes = SectionBytes - SectionTypeAt;
    public const int MaxSections = 22;

    public static ReadOnlySpan<byte> Magic => "VAI-ROM\n"u8;

    /// <summary>The next multiple of a page.</summary>
    public static long PageUp(long bytes) => (bytes + Page - 1) & ~(long)(Page - 1);
}
