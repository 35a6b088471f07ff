using System.Buffers.Binary;
using System.Text;

namespace VAI.Native.Rom;

/// <summary>
/// Short keys of texts, to find things by: FNV-1a of 128 bits (Fowler, Noll, Vo; the constants are those of its authors).
/// </summary>
/// <remarks>
/// Nothing is trusted for having the right key, and the system's SHA-256 would load OpenSSL into every process that attaches:
/// 3 MB each.
/// </remarks>
internal static class RomKey
{
    private static readonly UInt128 Basis = new(0x6c62272e07bb0142, 0x62b821756295c58d);
    private static readonly UInt128 Prime = new(1 << 24, 0x13b);

    /// <summary>The key's first bytes, most significant first.</summary>
    public static byte[] Of(string text, int bytes)
    {
        UInt128 hash = Basis;
        foreach (byte b in Encoding.UTF8.GetBytes(text))
            hash = (hash ^ b) * Prime;
        byte[] key = new byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(key, hash);
        return key[..bytes];
    }
}
