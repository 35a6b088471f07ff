using System.Buffers.Binary;
using System.Numerics;
using VAI.Native.Memory;

namespace VAI.Sram;

/// <summary>Consecutive positions of a copy, in a state of llama.cpp's own.</summary>
/// <param name="From">The first position.</param>
/// <param name="Count">How many.</param>
/// <param name="Bytes">Length of the state.</param>
/// <param name="Checksum">Of the state; 0 where nothing checks it by one.</param>
internal readonly record struct KvSlice(int From, int Count, long Bytes, uint Checksum = 0)
{
    /// <summary>Bytes of one in a table.</summary>
    public const int EntryBytes = 24;

    public int End => From + Count;

    /// <summary>
    /// Cuts positions into slices, the last ones first: of a sliding window llama.cpp holds the end, and what it drops while slices are
    /// copied is then missing at the beginning of what was copied and never in the middle.
    /// </summary>
    /// <param name="length">Positions.</param>
    /// <param name="most">Positions of a slice.</param>
    /// <param name="atOnce">How many of the last must be in one slice.</param>
    public static KvSlice[] Cut(int length, int most, int atOnce = 0)
    {
        int cuts = 0;
        while (cuts < (length - 1) / most && length - ((cuts + 1) * (long)most) >= atOnce)
            cuts++;
        var slices = new KvSlice[cuts + 1];
        for (int i = 0; i <= cuts; i++)
        {
            int from = (cuts - i) * most;
            slices[i] = new KvSlice(from, (i == 0 ? length : from + most) - from, 0);
        }

        return slices;
    }

    public static uint Sum(ReadOnlySpan<byte> bytes)
    {
        uint crc = Crc32C.Append(Crc32C.Seed, bytes);
        foreach (byte last in bytes[(bytes.Length & ~7)..])
            crc = BitOperations.Crc32C(crc, last);
        return crc;
    }

    public static void WriteTable(Span<byte> to, ReadOnlySpan<KvSlice> slices)
    {
        for (int i = 0; i < slices.Length; i++)
        {
            Span<byte> entry = to[(i * EntryBytes)..];
            BinaryPrimitives.WriteInt32LittleEndian(entry, slices[i].From);
            BinaryPrimitives.WriteInt32LittleEndian(entry[4..], slices[i].Count);
            BinaryPrimitives.WriteInt64LittleEndian(entry[8..], slices[i].Bytes);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], slices[i].Checksum);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[20..], 0);
        }
    }

    /// <summary>Reads a table that is not trusted.</summary>
    /// <returns>Null if it does not say, without gap or overlap, where so many entries lie in so many bytes.</returns>
    public static KvSlice[]? ReadTable(ReadOnlySpan<byte> from, int entries, long bytes)
    {
        var slices = new KvSlice[from.Length / EntryBytes];
        for (int i = 0; i < slices.Length; i++)
        {
            ReadOnlySpan<byte> entry = from[(i * EntryBytes)..];
            KvSlice s = slices[i] = new KvSlice(
                BinaryPrimitives.ReadInt32LittleEndian(entry),
                BinaryPrimitives.ReadInt32LittleEndian(entry[4..]),
                BinaryPrimitives.ReadInt64LittleEndian(entry[8..]),
                BinaryPrimitives.ReadUInt32LittleEndian(entry[16..]));
            if (s.From < 0 || s.Count <= 0 || s.Count != (long)entries - s.From || s.Bytes is <= 0 or > int.MaxValue || s.Bytes > bytes)
                return null;
            (entries, bytes) = (s.From, bytes - s.Bytes);
        }

        return entries == 0 && bytes == 0 ? slices : null;
    }
}
