namespace VAI.Native.Gguf;

/// <summary>Shape of a tensor and where its data lies.</summary>
/// <param name="Name">Unique in the file.</param>
/// <param name="Type">Type of the elements.</param>
/// <param name="Rank">Dimensions written in the file, 0 (one element) to 4.</param>
/// <param name="D0">Elements in a row; a multiple of the type's block.</param>
/// <param name="D1">Second dimension, 1 where there is none.</param>
/// <param name="D2">Third dimension, 1 where there is none.</param>
/// <param name="D3">Fourth dimension, 1 where there is none.</param>
/// <param name="Offset">Byte in the file where the data starts.</param>
/// <param name="Bytes">Size of the data in bytes, without padding.</param>
internal readonly record struct GgufTensor(
    string Name, GgmlType Type, int Rank, ulong D0, ulong D1, ulong D2, ulong D3, long Offset, long Bytes)
{
    /// <summary>The number of elements. The reader has checked that it does not overflow.</summary>
    public long Elements => (long)(D0 * D1 * D2 * D3);
}
