namespace VAI.Native.Gguf;

/// <summary>Reads one tensor's description after its name: rank, dimensions, type, offset.</summary>
internal static class GgufTensorReader
{
    /// <summary>The tensor; its offset counts from the start of the data.</summary>
    /// <param name="cursor">Stands after the name.</param>
    /// <param name="name">Its name.</param>
    /// <param name="alignment">What its offset must be a multiple of.</param>
    /// <param name="offsetField">Byte where the offset is written.</param>
    public static GgufTensor Read(ref GgufCursor cursor, string name, uint alignment, out int offsetField)
    {
        int at = cursor.Position;
        uint rank = cursor.UInt32("dimension count");
        if (rank > GgufLimits.MaxDimensions)
            throw cursor.Error("dimension count", at, $"{rank} is more than {GgufLimits.MaxDimensions}");

        int rowAt = cursor.Position;
        Span<ulong> dimensions = [1, 1, 1, 1];
        ulong elements = 1;
        for (int i = 0; i < (int)rank; i++)
            elements = ReadDimension(ref cursor, i, elements, out dimensions[i]);

        int typeAt = cursor.Position;
        uint type = cursor.UInt32("type");
        if (!GgmlTypes.TryGetBlock(type, out uint blockElements, out uint blockBytes))
        {
            throw cursor.Error("type", typeAt, type < GgmlTypes.Count
                ? $"llama.cpp removed tensor type {type}: quantise the model again if the file is old"
                : $"there is no tensor type {type}");
        }

        if (dimensions[0] % blockElements != 0)
        {
            throw cursor.Error("dimension 0", rowAt,
                $"{dimensions[0]} is not a multiple of {blockElements}, the block of {(GgmlType)type}");
        }

        // llama.cpp v0.5.0 lets this product wrap; files that do so must not reach it.
        UInt128 bytes = (UInt128)(elements / blockElements) * blockBytes;
        if (bytes > long.MaxValue)
            throw cursor.Error("dimensions", rowAt, $"the data would take {bytes} bytes");

        offsetField = cursor.Position;
        ulong offset = cursor.UInt64("offset");
        if (offset % alignment != 0)
            throw cursor.Error("offset", offsetField, $"{offset} is not a multiple of the alignment {alignment}");
        if (offset > long.MaxValue)
            throw cursor.Error("offset", offsetField, $"{offset} is not in 0..{long.MaxValue}");
        return new GgufTensor(name, (GgmlType)type, (int)rank,
            dimensions[0], dimensions[1], dimensions[2], dimensions[3], (long)offset, (long)bytes);
    }

    private static ulong ReadDimension(ref GgufCursor cursor, int index, ulong elements, out ulong dimension)
    {
        string part = index switch { 0 => "dimension 0", 1 => "dimension 1", 2 => "dimension 2", _ => "dimension 3" };
        int at = cursor.Position;
        dimension = cursor.UInt64(part);
        if (dimension is 0 or > long.MaxValue)
            throw cursor.Error(part, at, $"{dimension} is not in 1..{long.MaxValue}");
        if (dimension > long.MaxValue / elements)
            throw cursor.Error(part, at, $"{dimension} makes more than {long.MaxValue} elements");
        return elements * dimension;
    }
}
