using VAI.Native.Gguf;

namespace VAI.Forge.Gguf;

/// <summary>Sizes of the types the forge writes, from the gate's own table.</summary>
internal static class TensorTypes
{
    /// <summary>Values in a block.</summary>
    public static int BlockValues(this GgmlType type) => Block(type).Values;

    /// <summary>Bytes of a block.</summary>
    public static int BlockBytes(this GgmlType type) => Block(type).Bytes;

    /// <summary>Bytes of a number of values, a multiple of the block.</summary>
    public static long Bytes(this GgmlType type, long values) => values / type.BlockValues() * type.BlockBytes();

    private static (int Values, int Bytes) Block(GgmlType type) =>
        GgmlTypes.TryGetBlock((uint)type, out uint values, out uint bytes)
            ? ((int)values, (int)bytes)
            : throw new ArgumentOutOfRangeException(nameof(type), type, null);
}
