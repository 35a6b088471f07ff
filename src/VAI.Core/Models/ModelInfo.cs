using VAI.Native.Gguf;

namespace VAI;

/// <summary>What a model's file says of it.</summary>
public sealed record ModelInfo
{
    /// <summary>The file.</summary>
    public required string File { get; init; }

    /// <summary>Its length in bytes.</summary>
    public required long FileBytes { get; init; }

    /// <summary>The model's own name, if it has one.</summary>
    public string? Title { get; init; }

    /// <summary>The architecture, for example <c>llama</c> or <c>qwen2</c>.</summary>
    public required string Architecture { get; init; }

    /// <summary>Number of layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Length of an embedding.</summary>
    public required int EmbeddingLength { get; init; }

    /// <summary>Attention heads; the most of any layer.</summary>
    public required int Heads { get; init; }

    /// <summary>Heads of the KV cache; the most of any layer.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Number of tokens in the vocabulary; 0 without a tokenizer.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The tokenizer's kind, or null.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>The context it was trained for, in tokens.</summary>
    public required int TrainingContextLength { get; init; }

    /// <summary>Tokens a sliding-window layer sees; 0 without one.</summary>
    public int SlidingWindow { get; init; }

    /// <summary>Experts of a mixture; 0 for a dense model.</summary>
    public int Experts { get; init; }

    /// <summary>Experts used for a token.</summary>
    public int ExpertsUsed { get; init; }

    /// <summary>Number of tensors.</summary>
    public required int Tensors { get; init; }

    /// <summary>Bytes of all weights.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Number of weights.</summary>
    public required long Parameters { get; init; }

    /// <summary>The weights by type of storage, the largest part first.</summary>
    public required IReadOnlyList<WeightType> WeightTypes { get; init; }

    /// <summary>The model's chat template (Jinja), if it has one.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>Templates for what <see cref="ChatTemplate"/> is not made for, by their names, as <c>tool_use</c> or <c>rag</c>.</summary>
    public IReadOnlyDictionary<string, string>? NamedChatTemplates { get; init; }

    /// <summary>The text of the token that begins a sequence, which templates have as <c>bos_token</c>; null if the file names none.</summary>
    public string? BosToken { get; init; }

    /// <summary>The text of the token that ends a sequence, which templates have as <c>eos_token</c>; null if the file names none.</summary>
    public string? EosToken { get; init; }

    /// <summary>How its file recommends to sample (<c>general.sampling.*</c>), if it does.</summary>
    public SamplingDefaults? Sampling { get; init; }

    /// <summary>
    /// Of a loaded model, what decides its tokens beside the request: the build of llama.cpp, the first bytes of its ROM's digest, and the profile,
    /// as <c>0.4.1-1a2b3c4d-exact</c>; <c>-exact-packed</c> on weights in the layout of this CPU's kernels. Null for what is not loaded.
    /// </summary>
    public string? Fingerprint { get; init; }

    /// <summary>Whether it makes embeddings instead of text.</summary>
    public bool IsEmbedding { get; init; }

    /// <summary>The types of all tensors that are matrices.</summary>
    internal IReadOnlyCollection<GgmlType> MatrixTypes { get; init; } = [];

    /// <exception cref="VaiModelException">It does not say what it is, or a value has the wrong type.</exception>
    internal static ModelInfo From(GgufFile file)
    {
        var m = GgufModelInfo.From(file);
        return new ModelInfo
        {
            File = m.Path,
            FileBytes = m.FileBytes,
            Title = m.Name,
            Architecture = m.Architecture ?? "",
            Layers = Whole(m.Layers),
            EmbeddingLength = Whole(m.EmbeddingLength),
            Heads = Whole(m.Heads?.Max()),
            KvHeads = Whole(m.KvHeads?.Max() ?? m.Heads?.Max()),
            VocabularySize = Whole(m.VocabularySize),
            Tokenizer = m.TokenizerModel,
            TrainingContextLength = Whole(m.ContextLength),
            SlidingWindow = Whole(m.SlidingWindow),
            Experts = Whole(m.Experts),
            ExpertsUsed = Whole(m.ExpertsUsed),
            Tensors = m.TensorCount,
            WeightBytes = m.TensorBytes,
            Parameters = m.Parameters,
            WeightTypes = [.. m.TensorTypes.Select(t => new WeightType(t.Type.ToString(), t.Tensors, t.Bytes))],
            MatrixTypes = m.MatrixTypes,
            ChatTemplate = m.ChatTemplate,
            NamedChatTemplates = m.NamedChatTemplates.Count > 0 ? m.NamedChatTemplates : null,
            BosToken = m.TokenText(m.BosId),
            EosToken = m.TokenText(m.EosId),
            Sampling = SamplingDefaults.From(file),
            IsEmbedding = m.IsEmbedding,
        };

        // Inspecting shows what a file says, however odd; loading it is what GgufModelInfo.Validate guards.
        static int Whole(long? value) => (int)Math.Clamp(value ?? 0, 0, int.MaxValue);
    }
}

/// <summary>How some of a model's weights are stored.</summary>
/// <param name="Name">ggml's name of the type, for example <c>q4_K</c>.</param>
/// <param name="Tensors">Number of tensors.</param>
/// <param name="Bytes">Their length.</param>
public sealed record WeightType(string Name, int Tensors, long Bytes);
