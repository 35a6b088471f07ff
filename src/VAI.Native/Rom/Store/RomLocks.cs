using VAI.Native.Memory;

namespace VAI.Native.Rom;

/// <summary>The bytes of an image, far behind its end, whose locks say who does what with it.</summary>
/// <remarks>
/// <code>
/// 2^61 ...   leases     shared by who is attached, each a run of its own; held alone by whoever removes the image
/// 2^62       burner     held alone while the image is burned
/// 2^62 + 1   evictor    held alone while it is evicted
/// </code>
/// To hold bytes alone takes a descriptor open for writing, which only the directory's owner gets: a member of its group can be
/// attached, and nothing else.
/// </remarks>
internal static class RomLocks
{
    public static readonly ByteRange Leases = new(1L << 61, 1L << 61);
    public static readonly ByteRange Burner = new(1L << 62, 1);
    public static readonly ByteRange Evictor = new((1L << 62) + 1, 1);

    /// <summary>The run of one lease: its first byte, and one more for each open session.</summary>
    public const long LeaseBytes = 1 << 21;

    /// <summary>More are not shown.</summary>
    public const int MaxSessions = 1 << 20;

    /// <summary>A run that nobody else has: there are 2^40.</summary>
    public static ByteRange NewLease() =>
        new(Leases.Start + (Random.Shared.NextInt64(Leases.Length / LeaseBytes) * LeaseBytes), LeaseBytes);
}
