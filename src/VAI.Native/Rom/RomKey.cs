using System.Buffers.Binary;
using System.Runtime.InteropServices;
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
    private static readonly UInt128 Prime = new(1 << 24, 0x13b);

    /// <summary>The key of nothing.</summary>
    public static UInt128 Start { get; } = new(0x6c62272e07bb0142, 0x62b821756295c58d);

    /// <summary>The key's first bytes, most significant first.</summary>
    public static byte[] Of(string text, int bytes)
    {
        UInt128 hash = Start;
        foreach (byte b in Encoding.UTF8.GetBytes(text))
            hash = (hash ^ b) * Prime;
        byte[] key = new byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(key, hash);
        return key[..bytes];
    }

    /// <summary>The key of bytes that follow others: words at a time, since there are many of them, and their number.</summary>
    public static UInt128 Add(UInt128 key, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
            key = Mix(key ^ word);
        foreach (byte b in bytes[(words.Length * sizeof(ulong))..])
            key = Mix(key ^ b);
        return Mix(key ^ (ulong)bytes.Length);

        // A word's high bits would otherwise reach only the key's own high ones.
        static UInt128 Mix(UInt128 key) => (key ^ (key >> 64)) * Prime;
    }
}
