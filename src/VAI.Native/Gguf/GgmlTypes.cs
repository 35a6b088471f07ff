namespace VAI.Native.Gguf;

/// <summary>
/// ggml's tensor types (<c>enum ggml_type</c> of ggml.h): name, elements in a block, bytes of a block. Checked against the
/// loaded library by GgmlTypesTests.
/// </summary>
internal readonly record struct GgmlType(uint Id, string Name, int BlockElements, int BlockBytes)
{
    /// <summary>Super-block length of the K types.</summary>
    private const int K = 256;

    public static readonly GgmlType[] All =
    [
        new(0, "f32", 1, 4),
        new(1, "f16", 1, 2),
        new(2, "q4_0", 32, 18),
        new(3, "q4_1", 32, 20),
        new(6, "q5_0", 32, 22),
        new(7, "q5_1", 32, 24),
        new(8, "q8_0", 32, 34),
        new(9, "q8_1", 32, 36),
        new(10, "q2_K", K, 84),
        new(11, "q3_K", K, 110),
        new(12, "q4_K", K, 144),
        new(13, "q5_K", K, 176),
        new(14, "q6_K", K, 210),
        new(15, "q8_K", K, 292),
        new(16, "iq2_xxs", K, 66),
        new(17, "iq2_xs", K, 74),
        new(18, "iq3_xxs", K, 98),
        new(19, "iq1_s", K, 50),
        new(20, "iq4_nl", 32, 18),
        new(21, "iq3_s", K, 110),
        new(22, "iq2_s", K, 82),
        new(23, "iq4_xs", K, 136),
        new(24, "i8", 1, 1),
        new(25, "i16", 1, 2),
        new(26, "i32", 1, 4),
        new(27, "i64", 1, 8),
        new(28, "f64", 1, 8),
        new(29, "iq1_m", K, 56),
        new(30, "bf16", 1, 2),
        new(34, "tq1_0", K, 54),
        new(35, "tq2_0", K, 66),
        new(39, "mxfp4", 32, 17),
        new(40, "nvfp4", 64, 36),
        new(41, "q1_0", 128, 18),
    ];

    private static readonly GgmlType?[] ById = Index();

    public static bool TryGet(uint id, out GgmlType type)
    {
        GgmlType? found = id < ById.Length ? ById[id] : null;
        type = found.GetValueOrDefault();
        return found is not null;
    }

    private static GgmlType?[] Index()
    {
        var index = new GgmlType?[All.Max(t => t.Id) + 1];
        foreach (GgmlType type in All)
            index[type.Id] = type;
        return index;
    }
}
