namespace VAI.Native.Gguf;

/// <summary>Where a metadata value lies in the file.</summary>
/// <param name="Key">Unique in the file.</param>
/// <param name="Type">Type of the value.</param>
/// <param name="ElementType">Type of an array's elements; of anything else, <paramref name="Type"/>.</param>
/// <param name="Count">Elements of an array; 1 for anything else.</param>
/// <param name="Offset">
/// Byte in the file where the value starts: after a string's length, after an array's type and count.
/// </param>
/// <param name="Bytes">Size of the value in bytes, from <paramref name="Offset"/> on.</param>
internal readonly record struct GgufEntry(
    string Key, GgufValueType Type, GgufValueType ElementType, long Count, long Offset, int Bytes)
{
    /// <summary>Whether the value is an array.</summary>
    public bool IsArray => Type == GgufValueType.Array;
}
