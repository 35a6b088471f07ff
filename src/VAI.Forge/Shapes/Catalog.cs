using VAI.Forge.Vocabulary;

namespace VAI.Forge.Shapes;

/// <summary>
/// The shapes the forge knows. Those of published models keep their sizes; widths are multiples of 256 throughout.
/// </summary>
internal static class Catalog
{
    private const int TinyVocabulary = 2048;

    public static IReadOnlyList<NamedShape> All { get; } =
    [
        new("tiny", [], "llama, 2 layers of 256: loads in milliseconds", ForgeType.Q8_0,
            new LlamaFamily { Layers = 2, Width = 256, FeedForward = 512, Heads = 4, KvHeads = 2, Context = 2048 },
            new(TinyVocabulary, SentencePieceVocabulary.Llama)),
        new("small", [], "llama, 15 layers of 768: a small model that generates quickly", ForgeType.Q4_0,
            new LlamaFamily { Layers = 15, Width = 768, FeedForward = 2048, Heads = 12, KvHeads = 4, Context = 4096 },
            new(32_000, SentencePieceVocabulary.Llama)),
        new("qwen2-1.5b", [], "the shape of Qwen2 1.5B", ForgeType.Q4_K,
            new Qwen2Family
            {
                Layers = 28, Width = 1536, FeedForward = 8960, Heads = 12, KvHeads = 2, Context = 32_768,
                RopeBase = 1_000_000, Tied = true,
            },
            new(151_936, size => ByteBpeVocabulary.Qwen(size, 151_643))),
        new("deepseek-6.7b", [], "the shape of DeepSeek Coder 6.7B", ForgeType.Q4_K,
            new LlamaFamily
            {
                Layers = 32, Width = 4096, FeedForward = 11_008, Heads = 32, KvHeads = 32, Context = 16_384,
                RopeBase = 100_000, RopeScaling = 4,
            },
            new(32_256, ByteBpeVocabulary.DeepSeekCoder)),
        new("tiny-qwen2", [], "qwen2, 2 layers of 256: attention biases, tied embeddings", ForgeType.Q8_0,
            new Qwen2Family
            {
                Layers = 2, Width = 256, FeedForward = 512, Heads = 4, KvHeads = 2, Context = 2048,
                RopeBase = 1_000_000, Tied = true,
            },
            TinyQwen()),
        new("tiny-qwen3", ["qwen3"], "qwen3, 2 layers of 256: norms on queries and keys", ForgeType.Q8_0,
            new Qwen3Family
            {
                Layers = 2, Width = 256, FeedForward = 512, Heads = 4, KvHeads = 2, Context = 2048, RopeBase = 1_000_000,
            },
            TinyQwen()),
        new("tiny-gemma3", ["gemma3"], "gemma3, 6 layers of 256: sliding windows, norms around each half", ForgeType.Q8_0,
            new Gemma3Family
            {
                Layers = 6, Width = 256, FeedForward = 512, Heads = 4, KvHeads = 2, Context = 2048,
                RopeBase = 1_000_000, Tied = true, SlidingWindow = 256,
            },
            new(TinyVocabulary, SentencePieceVocabulary.Gemma)),
        new("tiny-qwen3moe", ["qwen3moe"], "qwen3moe, 2 layers of 256: 8 experts, 2 used", ForgeType.Q8_0,
            new Qwen3MoeFamily
            {
                Layers = 2, Width = 256, FeedForward = 512, Heads = 4, KvHeads = 2, Context = 2048, RopeBase = 1_000_000,
                Experts = 8, ExpertsUsed = 2, ExpertFeedForward = 256,
            },
            TinyQwen()),
        new("tiny-bert", ["bert"], "bert, 2 layers of 256: makes embeddings, mean pooling", ForgeType.Q8_0,
            new BertFamily { Layers = 2, Width = 256, FeedForward = 512, Heads = 4, Context = 512 },
            new(TinyVocabulary, WordPieceVocabulary.Bert)),
    ];

    /// <summary>The shape of that name or alias.</summary>
    /// <exception cref="VaiUsageException">There is none; the message lists the names.</exception>
    public static NamedShape Find(string name) =>
        All.FirstOrDefault(shape => shape.Aliases.Prepend(shape.Name).Contains(name, StringComparer.OrdinalIgnoreCase))
        ?? throw new VaiUsageException(VaiError.InvalidOption,
            $"There is no shape \"{name}\". Known shapes: {string.Join(", ", All.Select(shape => shape.Name))}.");

    private static VocabularyRecipe TinyQwen() => new(TinyVocabulary, size => ByteBpeVocabulary.Qwen(size));
}
