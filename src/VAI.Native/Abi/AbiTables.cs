namespace VAI.Native.Abi;

/// <summary>
/// Every layout VAI knows. To add one: run <c>vai doctor</c> on the new library, which prints the size it saw and the known
/// tables, read the fields from that release's <c>include/llama.h</c>, add a table here and a case to AbiTests.
/// </summary>
internal static class AbiTables
{
    public static readonly ModelParamsTable[] Model =
    [
        new()
        {
            Name = "v0.4+",
            Size = 80,
            WrittenEnd = 78,
            LoadMode = 24,
            DefaultLoadMode = -1,
            MainGpu = 32,
            TensorSplit = 40,
            ProgressCallback = 48,
            ProgressUserData = 56,
            UseExtraBufferTypes = 74,
        },
        new()
        {
            Name = "b10361, LLamaSharp 0.30",
            Size = 72,
            WrittenEnd = 70,
            LoadMode = 24,
            DefaultLoadMode = 1,
            MainGpu = 28,
            TensorSplit = 32,
            ProgressCallback = 40,
            ProgressUserData = 48,
            UseExtraBufferTypes = 66,
        },
        new()
        {
            Name = "b10068, LLamaSharp 0.28",
            Size = 72,
            WrittenEnd = 72,
            MainGpu = 24,
            TensorSplit = 32,
            ProgressCallback = 40,
            ProgressUserData = 48,
            UseMmap = 65,
            UseExtraBufferTypes = 69,
        },
    ];

    public static readonly ContextParamsTable[] Context =
    [
        new()
        {
            Name = "b10361, v0.4, v0.5",
            Size = 160,
            WrittenEnd = 160,
            Threads = 28,
            RopeScaling = 40,
            TypeK = 104,
            AbortCallback = 112,
            Embeddings = 128,
            PenaltiesTakeVocabulary = true,
        },
        new()
        {
            Name = "0.7",
            Size = 168,
            WrittenEnd = 168,
            Threads = 28,
            RopeScaling = 40,
            TypeK = 104,
            AbortCallback = 120,
            Embeddings = 136,
            PenaltiesTakeVocabulary = true,
        },
        new()
        {
            Name = "b10068, LLamaSharp 0.30",
            Size = 160,
            WrittenEnd = 160,
            Threads = 24,
            RopeScaling = 36,
            TypeK = 104,
            AbortCallback = 112,
            Embeddings = 128,
            PenaltiesTakeVocabulary = false,
        },
        new()
        {
            Name = "LLamaSharp 0.28",
            Size = 144,
            WrittenEnd = 144,
            Threads = 20,
            RopeScaling = 32,
            TypeK = 96,
            AbortCallback = 104,
            Embeddings = 120,
            PenaltiesTakeVocabulary = false,
        },
    ];
}
