using VAI.Native.Gguf;

namespace VAI.Native.Llama;

/// <summary>
/// How the CPU's kernels interleave the rows of a quantised matrix: <c>make_block_*</c> of llama.cpp's repack.cpp, backwards.
/// Which layout a build takes is found by comparing, so that a wrong one here costs speed and no right answer.
/// </summary>
/// <param name="Rows">Rows whose blocks lie together.</param>
/// <param name="Chunk">Bytes of one row's quants that lie together: 8 or 4.</param>
internal readonly unsafe record struct PackedLayout(int Rows, int Chunk)
{
    // Q4_K: scale and minimum of a block of 256, 12 bytes of the 6-bit scales and minima of its 8 parts, 128 of quants.
    private const int PartScales = 12;
    private const int Parts = 8;
    private const int QuantsQ4K = 128;

    /// <summary>The layouts a type may have, none for a type that no row can be taken out of.</summary>
    public static PackedLayout[] Of(GgmlType type) => type switch
    {
        GgmlType.Q4_0 => [new(8, 8), new(4, 8), new(4, 4)],
        GgmlType.IQ4_NL => [new(8, 8), new(4, 4)],
        GgmlType.Q8_0 => [new(4, 8), new(4, 4)],
        GgmlType.Q4_K => [new(8, 8), new(8, 4)],
        _ => [],
    };

    /// <summary>Takes one row's block out of the interleaved block of all <see cref="Rows"/>.</summary>
    /// <param name="type">One with layouts.</param>
    /// <param name="bytes">Length of a plain block.</param>
    /// <param name="packed">The interleaved block.</param>
    /// <param name="row">From 0 to less than <see cref="Rows"/>.</param>
    /// <param name="block">Receives the plain block.</param>
    public void Take(GgmlType type, int bytes, byte* packed, int row, byte* block)
    {
        if (type == GgmlType.Q4_K)
        {
            ((ushort*)block)[0] = ((ushort*)packed)[row];
            ((ushort*)block)[1] = ((ushort*)packed)[Rows + row];
            packed += 2 * sizeof(ushort) * Rows;
            TakeScales(packed, row, block + (2 * sizeof(ushort)));
            TakeQuants(packed + (Parts * PartScales), row, block + bytes - QuantsQ4K, QuantsQ4K, 0);
            return;
        }

        // A scale, then quants. Those of Q4_0 are stored with their signs flipped.
        ((ushort*)block)[0] = ((ushort*)packed)[row];
        TakeQuants(
            packed + (sizeof(ushort) * Rows), row, block + sizeof(ushort), bytes - sizeof(ushort), type == GgmlType.Q4_0 ? 0x8888888888888888 : 0);
    }

    private void TakeQuants(byte* packed, int row, byte* quants, int bytes, ulong flip)
    {
        packed += row * Chunk;
        for (int at = 0; at < bytes; at += Chunk)
        {
            if (Chunk == sizeof(ulong))
                *(ulong*)(quants + at) = *(ulong*)(packed + (at * Rows)) ^ flip;
            else
                *(uint*)(quants + at) = *(uint*)(packed + (at * Rows)) ^ (uint)flip;
        }
    }

    // Plain: the 8 parts of a row; packed: for each part those of the 8 rows. Both are written alike, four numbers in the low
    // 6 bits of four bytes and four more in what the 12 bytes have left.
    private static void TakeScales(byte* packed, int row, byte* scales)
    {
        int low = row & 3;
        for (int part = 0; part < Parts; part++, packed += PartScales)
        {
            (int scale, int minimum) = row < 4
                ? (packed[low] & 63, packed[low + 4] & 63)
                : ((packed[low + 8] & 15) | ((packed[low] >> 6) << 4), (packed[low + 8] >> 4) | ((packed[low + 4] >> 6) << 4));
            if (part < 4)
            {
                (scales[part], scales[part + 4]) = ((byte)scale, (byte)minimum);
                continue;
            }

            scales[part - 4] |= (byte)((scale >> 4) << 6);
            scales[part] |= (byte)((minimum >> 4) << 6);
            scales[part + 4] = (byte)((scale & 15) | ((minimum & 15) << 4));
        }
    }
}
