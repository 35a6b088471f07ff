using System.Numerics;
using System.Runtime.InteropServices;

namespace VAI.Native.Memory;

/// <summary>CRC-32C (Castagnoli), by the CPU's own instruction where it has one.</summary>
internal static class Crc32C
{
    /// <summary>The value to begin with.</summary>
    public const uint Seed = uint.MaxValue;

    /// <summary>Goes on from <paramref name="crc"/> over the bytes, a multiple of 8 of them; without the final inversion.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(bytes))
            crc = BitOperations.Crc32C(crc, word);
        return crc;
    }
}
