namespace VAI.Native.Gguf;

/// <summary>The type of a tensor's elements: enum ggml_type of llama.cpp v0.5.0. The gaps are types it removed.</summary>
internal enum GgmlType : uint
{
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,
    Q5_0 = 6,
    Q5_1 = 7,
    Q8_0 = 8,
    Q8_1 = 9,
    Q2_K = 10,
    Q3_K = 11,
    Q4_K = 12,
    Q5_K = 13,
    Q6_K = 14,
    Q8_K = 15,
    IQ2_XXS = 16,
    IQ2_XS = 17,
    IQ3_XXS = 18,
    IQ1_S = 19,
    IQ4_NL = 20,
    IQ3_S = 21,
    IQ2_S = 22,
    IQ4_XS = 23,
    I8 = 24,
    I16 = 25,
    I32 = 26,
    I64 = 27,
    F64 = 28,
    IQ1_M = 29,
    BF16 = 30,
    TQ1_0 = 34,
    TQ2_0 = 35,
    MXFP4 = 39,
    NVFP4 = 40,
    Q1_0 = 41,
    Q2_0 = 42,
}

/// <summary>Sizes of tensor types. A test compares them with the loaded libggml-base.</summary>
internal static class GgmlTypes
{
    /// <summary>One more than the highest type number known.</summary>
    public const uint Count = 43;

    /// <summary>Elements and bytes of one block; false where the number stands for no type.</summary>
    public static bool TryGetBlock(uint type, out uint elements, out uint bytes)
    {
        (elements, bytes) = (GgmlType)type switch
        {
            GgmlType.I8 => (1u, 1u),
            GgmlType.F16 or GgmlType.BF16 or GgmlType.I16 => (1u, 2u),
            GgmlType.F32 or GgmlType.I32 => (1u, 4u),
            GgmlType.F64 or GgmlType.I64 => (1u, 8u),
            GgmlType.Q4_0 or GgmlType.IQ4_NL => (32u, 18u),
            GgmlType.Q4_1 => (32u, 20u),
            GgmlType.Q5_0 => (32u, 22u),
            GgmlType.Q5_1 => (32u, 24u),
            GgmlType.Q8_0 => (32u, 34u),
            GgmlType.Q8_1 => (32u, 36u),
            GgmlType.MXFP4 => (32u, 17u),
            GgmlType.NVFP4 => (64u, 36u),
            GgmlType.Q2_0 => (64u, 18u),
            GgmlType.Q1_0 => (128u, 18u),
            GgmlType.Q2_K => (256u, 84u),
            GgmlType.Q3_K or GgmlType.IQ3_S => (256u, 110u),
            GgmlType.Q4_K => (256u, 144u),
            GgmlType.Q5_K => (256u, 176u),
            GgmlType.Q6_K => (256u, 210u),
            GgmlType.Q8_K => (256u, 292u),
            GgmlType.IQ1_S => (256u, 50u),
            GgmlType.IQ1_M => (256u, 56u),
            GgmlType.IQ2_XXS or GgmlType.TQ2_0 => (256u, 66u),
            GgmlType.IQ2_XS => (256u, 74u),
            GgmlType.IQ2_S => (256u, 82u),
            GgmlType.IQ3_XXS => (256u, 98u),
            GgmlType.IQ4_XS => (256u, 136u),
            GgmlType.TQ1_0 => (256u, 54u),
            _ => (0u, 0u),
        };
        return elements != 0;
    }
}
