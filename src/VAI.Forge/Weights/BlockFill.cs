using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using VAI.Forge.Gguf;
using VAI.Native.Gguf;

namespace VAI.Forge.Weights;

/// <summary>
/// Makes blocks of random weights in place: the quants are random bits, only the scales are computed, so that the
/// dequantised weights have the mean and standard deviation asked for.
/// </summary>
/// <remarks>
/// Layouts from ggml-common.h, arithmetic from ggml-quants.c (<c>dequantize_row_*</c>); d and dmin are 16-bit floats:
/// <code>
/// q4_0   d | 16 bytes of nibbles                               w = d * (q - 8)
/// q8_0   d | 32 signed bytes                                   w = d * q
/// q4_K   d | dmin | 12 bytes of scales and mins | 128 nibbles  w = d * sc * q - dmin * m
/// q6_K   128 low nibbles | 64 high pairs | 16 scales | d       w = d * sc * (q - 32)
/// </code>
/// </remarks>
internal static class BlockFill
{
    // Root mean squares of the integer part of a weight, for uniformly random bits.
    private const float Rms4 = 4.6368f;  // q - 8, q in 0..15
    private const float Rms8 = 73.895f;  // q in -127..127, -127 twice as likely
    private const float Rms4K = 110.40f; // sc * (q - 7.5), sc in 16..31
    private const float Rms6K = 903.34f; // sc * (q - 32), sc in -64..-33 and 32..63

    private const int HalfValues = 4096;

    private static readonly float Uniform = MathF.Sqrt(3);

    /// <summary>The types that can be filled.</summary>
    public static IReadOnlyList<GgmlType> Types { get; } =
        [GgmlType.F32, GgmlType.F16, GgmlType.Q4_0, GgmlType.Q8_0, GgmlType.Q4_K, GgmlType.Q6_K];

    /// <summary>Fills whole blocks; <paramref name="mean"/> is for 32-bit floats alone.</summary>
    public static void Fill(Span<byte> blocks, GgmlType type, float mean, float deviation, ulong key)
    {
        RandomBits.Fill(blocks, key);
        switch (type)
        {
            case GgmlType.F32:
                Float32(MemoryMarshal.Cast<byte, uint>(blocks), mean, deviation);
                break;
            case GgmlType.F16:
                Float16(MemoryMarshal.Cast<byte, ushort>(blocks), deviation);
                break;
            case GgmlType.Q4_0:
                SignedScales(blocks, type.BlockBytes(), deviation / Rms4);
                break;
            case GgmlType.Q8_0:
                WithoutMinimum(blocks);
                SignedScales(blocks, type.BlockBytes(), deviation / Rms8);
                break;
            case GgmlType.Q4_K:
                Q4K(blocks, deviation / Rms4K);
                break;
            case GgmlType.Q6_K:
                Q6K(blocks, deviation / Rms6K);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "The forge writes no such type.");
        }
    }
    private static void Float32(Span<uint> values, float mean, float deviation)
    {
        float step = deviation * Uniform / (1 << 23);
        foreach (ref uint value in values)
            value = BitConverter.SingleToUInt32Bits(mean + (((int)value >> 8) * step));
    }

    private static void Float16(Span<ushort> values, float deviation)
    {
        Span<ushort> table = stackalloc ushort[HalfValues];
        float step = deviation * Uniform / HalfValues;
        for (int i = 0; i < table.Length; i++)
            table[i] = BitConverter.HalfToUInt16Bits((Half)(((2 * i) + 1 - HalfValues) * step));
        foreach (ref ushort value in values)
            value = table[value % HalfValues];
    }

    /// <summary>Replaces -128 by -127: llama.cpp never writes it, and kernels may negate.</summary>
    private static void WithoutMinimum(Span<byte> blocks)
    {
        Span<sbyte> all = MemoryMarshal.Cast<byte, sbyte>(blocks);
        Span<Vector<sbyte>> vectors = MemoryMarshal.Cast<sbyte, Vector<sbyte>>(all);
        foreach (ref Vector<sbyte> vector in vectors)
            vector = Vector.Max(vector, new Vector<sbyte>(-127));
        foreach (ref sbyte value in all[(vectors.Length * Vector<sbyte>.Count)..])
            value = Math.Max(value, (sbyte)-127);
    }

    /// <summary>Gives every block a scale of random sign: the quants lean to the negative side, the weights must not.</summary>
    private static void SignedScales(Span<byte> blocks, int blockBytes, float scale)
    {
        ushort bits = BitConverter.HalfToUInt16Bits((Half)scale);
        for (int at = 0; at < blocks.Length; at += blockBytes)
        {
            Span<byte> d = blocks[at..];
            int sign = BinaryPrimitives.ReadUInt16LittleEndian(d) & 0x8000;
            BinaryPrimitives.WriteUInt16LittleEndian(d, (ushort)(bits | sign));
        }
    }

    /// <summary>Every min equals its scale and dmin = 7.5 d, so that a sub-block's weights are d * sc * (q - 7.5).</summary>
    private static void Q4K(Span<byte> blocks, float scale)
    {
        // Seven significant bits: then 7.5 d is exact in 16 bits as well.
        int exponent = Math.Max(MathF.ILogB(scale), -14 - 4) - 6;
        float d = MathF.ScaleB(MathF.Round(MathF.ScaleB(scale, -exponent)), exponent);
        uint pair = BitConverter.HalfToUInt16Bits((Half)d) | ((uint)BitConverter.HalfToUInt16Bits((Half)(7.5f * d)) << 16);
        for (int at = 0; at < blocks.Length; at += GgmlType.Q4_K.BlockBytes())
        {
            Span<uint> head = MemoryMarshal.Cast<byte, uint>(blocks.Slice(at, 16));
            // Four 6-bit scales each; the packing is that of get_scale_min_k4, with mins equal to scales.
            uint low = (head[1] & 0x0F0F0F0F) | 0x10101010;
            uint high = (head[2] & 0x0F0F0F0F) | 0x10101010;
            head[0] = pair;
            head[1] = head[2] = low | ((high & 0x30303030) << 2);
            head[3] = (high & 0x0F0F0F0F) * 0x11;
        }
    }

    private static void Q6K(Span<byte> blocks, float scale)
    {
        const int scales = 128 + 64;
        const int scaleCount = 16;
        ushort d = BitConverter.HalfToUInt16Bits((Half)scale);
        for (int at = 0; at < blocks.Length; at += GgmlType.Q6_K.BlockBytes())
        {
            foreach (ref ulong eight in MemoryMarshal.Cast<byte, ulong>(blocks.Slice(at + scales, scaleCount)))
            {
                // Bit 7 of each byte, spread over the byte, turns v into -v - 1.
                ulong negative = ((eight >> 7) & 0x0101010101010101) * 0xFF;
                eight = ((eight & 0x1F1F1F1F1F1F1F1F) | 0x2020202020202020) ^ negative;
            }

            BinaryPrimitives.WriteUInt16LittleEndian(blocks[(at + scales + scaleCount)..], d);
        }
    }
}
