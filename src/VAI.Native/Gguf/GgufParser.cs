using System.Numerics;

namespace VAI.Native.Gguf;

/// <summary>The checks that make a <see cref="GgufFile"/>. Order: header, metadata, tensor list, then where the tensors lie.</summary>
internal static class GgufParser
{
    private const uint Magic = 0x4655_4747; // "GGUF"
    private const string AlignmentKey = "general.alignment";
    private const long DefaultAlignment = 32;
    private const long MaxAlignment = 1 << 20;

    /// <summary>Real models have below a hundred keys; llama.cpp looks for duplicates in quadratic time.</summary>
    private const int MaxEntries = 4096;

    /// <summary>Real models have up to a few thousand tensors, experts being stored together.</summary>
    private const int MaxTensors = 65_536;

    /// <summary>All strings of all arrays together: vocabularies have up to 262,144 tokens and about as many merges.</summary>
    private const long MaxStrings = 1L << 22;
    private const long MaxArray = 1L << 26;
    private const int MaxKeyBytes = 1024;

    /// <summary>ggml's own limit (GGML_MAX_NAME, with its terminator).</summary>
    private const int MaxTensorNameBytes = 63;
    private const int MaxDimensions = 4;

    // The smallest encodings, which bound a count by the bytes that are left.
    private const long MinEntryBytes = 8 + 1 + 4 + 1;
    private const long MinTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

    internal readonly record struct Parsed(
        uint Version, long Alignment, long DataOffset, GgufEntry[] Entries, GgufTensor[] Tensors, Dictionary<string, int> Keys);

    public static Parsed Parse(GgufCursor c)
    {
        if (c.U32("magic") != Magic)
            throw c.Bad("magic", 0, "it is not 'GGUF'");
        uint version = c.U32("version");
        if (version is not (2 or 3))
            throw c.Bad("version", 4, version > 0xFFFF ? "the file is big-endian" : $"version {version} is not supported, 2 and 3 are");
        long tensorCount = c.Count("tensor count", MaxTensors, MinTensorBytes);
        long entryCount = c.Count("metadata count", MaxEntries, MinEntryBytes);

        var keys = new Dictionary<string, int>((int)entryCount, StringComparer.Ordinal);
        var entries = new GgufEntry[entryCount];
        long alignment = DefaultAlignment;
        for (int i = 0; i < entries.Length; i++)
        {
            long at = c.Position;
            GgufEntry entry = ReadEntry(c, i);
            if (!keys.TryAdd(entry.Key, i))
                throw c.Bad($"metadata key '{entry.Key}'", at, "it appears twice");
            if (entry.Key == AlignmentKey)
                alignment = ReadAlignment(c, entry);
            entries[i] = entry;
        }

        var names = new HashSet<string>((int)tensorCount, StringComparer.Ordinal);
        var tensors = new GgufTensor[tensorCount];
        long[] infoOffsets = new long[tensorCount];
        for (int i = 0; i < tensors.Length; i++)
        {
            infoOffsets[i] = c.Position;
            tensors[i] = ReadTensor(c, i, alignment);
            if (!names.Add(tensors[i].Name))
                throw c.Bad($"tensor '{tensors[i].Name}'", infoOffsets[i], "it appears twice");
        }

        long dataOffset = AlignUp(c.Position, alignment);
        Place(c, tensors, infoOffsets, dataOffset);
        return new Parsed(version, alignment, dataOffset, entries, tensors, keys);
    }

    /// <summary>Bytes of one value; 0 for those whose length varies.</summary>
    public static int SizeOf(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 => 8,
        _ => 0,
    };

    private static GgufEntry ReadEntry(GgufCursor c, int index)
    {
        string key = c.Name($"metadata key {index}", MaxKeyBytes);
        string field = $"value of '{key}'";
        GgufValueType type = ReadType(c, field, allowArray: true);
        if (type != GgufValueType.Array)
        {
            long offset = c.Position;
            ReadValues(c, field, type, 1);
            return new GgufEntry(key, type, type, 1, offset);
        }

        GgufValueType element = ReadType(c, field + " elements", allowArray: false);
        long count = c.Count(field + " count", MaxArray, element == GgufValueType.String ? 8 : SizeOf(element));
        long first = c.Position;
        ReadValues(c, field, element, count);
        return new GgufEntry(key, type, element, count, first);
    }

    private static GgufValueType ReadType(GgufCursor c, string field, bool allowArray)
    {
        long at = c.Position;
        var type = (GgufValueType)c.U32(field + " type");
        if (type == GgufValueType.Array && !allowArray)
            throw c.Bad(field + " type", at, "arrays of arrays are not supported");
        if (type > GgufValueType.Float64)
            throw c.Bad(field + " type", at, $"{(uint)type} is no known type");
        return type;
    }

    private static void ReadValues(GgufCursor c, string field, GgufValueType type, long count)
    {
        switch (type)
        {
            case GgufValueType.String:
                c.Strings += count;
                if (c.Strings > MaxStrings)
                    throw c.Bad(field, c.Position, $"the metadata holds more than {MaxStrings} strings");
                for (long i = 0; i < count; i++)
                    c.SkipString(field);
                break;
            case GgufValueType.Bool:
                long at = c.Position;
                int wrong = c.Take(count, field).IndexOfAnyExceptInRange((byte)0, (byte)1);
                if (wrong >= 0)
                    throw c.Bad(field, at + wrong, "a bool is neither 0 nor 1");
                break;
            default:
                c.Skip(count * SizeOf(type), field);
                break;
        }
    }

    private static long ReadAlignment(GgufCursor c, GgufEntry entry)
    {
        if (entry.Type != GgufValueType.UInt32)
            throw c.Bad(AlignmentKey, entry.Offset, $"it is of type {entry.Type}, not UInt32");
        uint alignment = c.Peek(entry.Offset);
        if (!BitOperations.IsPow2(alignment) || alignment > MaxAlignment)
            throw c.Bad(AlignmentKey, entry.Offset, $"{alignment} is no power of two from 1 to {MaxAlignment}");
        return alignment;
    }

    private static GgufTensor ReadTensor(GgufCursor c, int index, long alignment)
    {
        string name = c.Name($"tensor name {index}", MaxTensorNameBytes);
        string field = $"tensor '{name}'";
        long at = c.Position;
        uint dimensions = c.U32(field + " dimension count");
        if (dimensions is 0 or > MaxDimensions)
            throw c.Bad(field + " dimension count", at, $"{dimensions} is not from 1 to {MaxDimensions}");
        Span<long> shape = [1, 1, 1, 1];
        long elements = 1;
        for (int d = 0; d < dimensions; d++)
        {
            at = c.Position;
            ulong size = c.U64($"{field} dimension {d}");
            if (size is 0 or > long.MaxValue || (long)size > long.MaxValue / elements)
                throw c.Bad($"{field} dimension {d}", at, $"{size} is 0 or makes the tensor larger than 2^63 elements");
            shape[d] = (long)size;
            elements *= (long)size;
        }

        at = c.Position;
        uint id = c.U32(field + " type");
        if (!GgmlType.TryGet(id, out GgmlType type))
            throw c.Bad(field + " type", at, $"{id} is no known type");
        if (shape[0] % type.BlockElements != 0)
            throw c.Bad(field + " dimension 0", at, $"{shape[0]} is no multiple of {type.BlockElements}, the block of {type.Name}");
        long blocks = elements / type.BlockElements;
        if (blocks > long.MaxValue / type.BlockBytes)
            throw c.Bad(field, at, $"{elements} elements of {type.Name} are more than 2^63 bytes");
        at = c.Position;
        ulong offset = c.U64(field + " offset");
        if (offset > (ulong)c.FileLength || (long)offset % alignment != 0)
            throw c.Bad(field + " offset", at, $"{offset} is outside the file or no multiple of {alignment}");
        return new GgufTensor(name, type, (shape[0], shape[1], shape[2], shape[3]), (long)offset, blocks * type.BlockBytes);
    }

    /// <summary>Makes the offsets absolute and sees that each tensor lies inside the file and on no other.</summary>
    private static void Place(GgufCursor c, GgufTensor[] tensors, long[] infoOffsets, long dataOffset)
    {
        for (int i = 0; i < tensors.Length; i++)
        {
            GgufTensor t = tensors[i];
            long offset = dataOffset + t.Offset;
            if (offset > c.FileLength || t.Bytes > c.FileLength - offset)
            {
                throw c.Bad(
                    $"tensor '{t.Name}'", infoOffsets[i],
                    $"its {t.Bytes} bytes from byte {offset} on reach beyond the file's {c.FileLength}; the file was cut short");
            }

            tensors[i] = t with { Offset = offset };
        }

        int[] order = [.. Enumerable.Range(0, tensors.Length)];
        Array.Sort(order, (a, b) => tensors[a].Offset.CompareTo(tensors[b].Offset));
        for (int i = 1; i < order.Length; i++)
        {
            GgufTensor before = tensors[order[i - 1]];
            GgufTensor after = tensors[order[i]];
            if (before.Offset + before.Bytes > after.Offset)
                throw c.Bad($"tensor '{after.Name}'", infoOffsets[order[i]], $"its data overlaps that of '{before.Name}'");
        }
    }

    private static long AlignUp(long value, long alignment) => (value + alignment - 1) & ~(alignment - 1);
}
