namespace VAI.Native.Gguf;

/// <summary>The type of a metadata value, as written in the file (ggml's docs/gguf.md).</summary>
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

/// <summary>Facts about value types.</summary>
internal static class GgufValueTypes
{
    /// <summary>Whether the number stands for a type.</summary>
    public static bool IsKnown(uint type) => type <= (uint)GgufValueType.Float64;

    /// <summary>Bytes of one value; 0 for strings and arrays, whose size is in the file.</summary>
    public static int Size(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 => 8,
        _ => 0,
    };
}
