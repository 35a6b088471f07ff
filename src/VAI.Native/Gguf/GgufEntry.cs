namespace VAI.Native.Gguf;

/// <summary>Value types of GGUF metadata (GGUF specification, <c>gguf_metadata_value_type</c>).</summary>
internal enum GgufValueType : uint
{
    UInt8 = 0,
    Int8 = 1,
    UInt16 = 2,
    Int16 = 3,
    UInt32 = 4,
    Int32 = 5,
    Float32 = 6,
    Bool = 7,
    String = 8,
    Array = 9,
    UInt64 = 10,
    Int64 = 11,
    Float64 = 12,
}

/// <summary>One key of the metadata. The value stays in the file.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Type">Its type; <see cref="GgufValueType.Array"/> for an array.</param>
/// <param name="ElementType">The elements' type of an array, else the same as <paramref name="Type"/>.</param>
/// <param name="Count">Number of elements; 1 for a single value.</param>
/// <param name="Offset">Where the value (of an array: its first element) begins, in bytes from the start of the file.</param>
internal readonly record struct GgufEntry(string Key, GgufValueType Type, GgufValueType ElementType, long Count, long Offset)
{
    public bool IsArray => Type == GgufValueType.Array;
}

/// <summary>One tensor.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">How its values are stored.</param>
/// <param name="Shape">Elements in each of four dimensions, the row first; unused ones are 1.</param>
/// <param name="Offset">Where its data begins, in bytes from the start of the file.</param>
/// <param name="Bytes">Length of its data.</param>
internal readonly record struct GgufTensor(
    string Name, GgmlType Type, (long Row, long Rows, long Planes, long Volumes) Shape, long Offset, long Bytes)
{
    public long Elements => Shape.Row * Shape.Rows * Shape.Planes * Shape.Volumes;
}
