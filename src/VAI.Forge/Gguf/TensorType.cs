namespace VAI.Forge.Gguf;

/// <summary>Tensor types the forge writes, with the numbers GGUF gives them (ggml.h, <c>enum ggml_type</c>).</summary>
internal enum TensorType : uint
{
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q8_0 = 8,
    Q4_K = 12,
    Q6_K = 14,
}

/// <summary>Block sizes, from ggml-common.h: <c>QK4_0</c>, <c>QK8_0</c>, <c>QK_K</c> and the structs' static asserts.</summary>
internal static class TensorTypes
{
    public static int BlockValues(this TensorType type) => type switch
    {
        TensorType.F32 or TensorType.F16 => 1,
        TensorType.Q4_0 or TensorType.Q8_0 => 32,
        _ => 256,
    };

    public static int BlockBytes(this TensorType type) => type switch
    {
        TensorType.F32 => 4,
        TensorType.F16 => 2,
        TensorType.Q4_0 => 2 + 16,
        TensorType.Q8_0 => 2 + 32,
        TensorType.Q4_K => 2 + 2 + 12 + 128,
        TensorType.Q6_K => 128 + 64 + 16 + 2,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    public static long Bytes(this TensorType type, long values) => values / type.BlockValues() * type.BlockBytes();
}
