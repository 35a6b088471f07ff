using VAI.Native.Gguf.Gates;

namespace VAI.Native.Gguf;

/// <summary>
/// What a file says about its model. Null means that the file does not say. The numbers are as written:
/// <see cref="Validate"/> bounds them.
/// </summary>
internal sealed class GgufModelInfo
{
    /// <summary>Layers whose own values are read; llama.cpp has room for 512.</summary>
    internal const int MaxLayers = 512;

    private readonly GgufFile _file;

    private GgufModelInfo(GgufFile file)
    {
        _file = file;
        Architecture = file.GetString("general.architecture");
        Name = file.GetString("general.name");
        FileType = Number("general.file_type");
        SplitCount = Number("split.count");
        TokenizerModel = file.GetString("tokenizer.ggml.model");
        TokenizerPre = file.GetString("tokenizer.ggml.pre");
        ChatTemplate = file.GetString("tokenizer.chat_template");
        NamedChatTemplates = Named(file);
        VocabularySize = file.TryGet("tokenizer.ggml.tokens", out GgufEntry tokens) && tokens.IsArray ? tokens.Count : null;
        BosId = TokenId("tokenizer.ggml.bos_token_id");
        EosId = TokenId("tokenizer.ggml.eos_token_id");

        // The name is part of other keys, so it must be one before it is used.
        if (GgufModelGate.IsArchitecture(Architecture))
        {
            Layers = Number(Key("block_count"));
            EmbeddingLength = Number(Key("embedding_length"));
            ContextLength = Number(Key("context_length"));
            FeedForwardLength = PerLayer("feed_forward_length");
            Heads = PerLayer("attention.head_count");
            KvHeads = PerLayer("attention.head_count_kv");
            KeyLength = PerLayer("attention.key_length")?.Max();
            ValueLength = PerLayer("attention.value_length")?.Max();
            SlidingWindow = PerLayer("attention.sliding_window")?.Max();
            RopeDimensions = PerLayer("rope.dimension_count")?.Max();
            Experts = PerLayer("expert_count")?.Max();
            ExpertsUsed = PerLayer("expert_used_count")?.Max();
            ExpertGroups = Number(Key("expert_group_count"));
            ExpertGroupsUsed = Number(Key("expert_group_used_count"));
            PoolingType = Number(Key("pooling_type"));
        }

        TensorTypes = [.. file.Tensors.GroupBy(t => t.Type)
            .Select(g => new GgufTypeUse(g.Key, g.Count(), g.Sum(t => t.Bytes)))
            .OrderByDescending(u => u.Bytes).ThenBy(u => u.Type)];
        TensorBytes = TensorTypes.Sum(u => u.Bytes);
        Parameters = file.Tensors.Sum(t => t.Elements);
        MatrixTypes = [.. file.Tensors.Where(t => t.Rank > 1).Select(t => t.Type).Distinct()];
    }

    /// <summary>The file's path.</summary>
    public string Path => _file.Path;

    /// <summary>The file's length in bytes.</summary>
    public long FileBytes => _file.Length;

    /// <summary>Bytes before the tensor data.</summary>
    public long HeaderBytes => _file.DataOffset;

    /// <summary>GGUF version, 2 or 3.</summary>
    public uint Version => _file.Version;

    /// <summary>Number of tensors.</summary>
    public int TensorCount => _file.Tensors.Count;

    /// <summary>Bytes of all tensors, without padding.</summary>
    public long TensorBytes { get; }

    /// <summary>Elements of all tensors.</summary>
    public long Parameters { get; }

    /// <summary>Tensor types in use, the one with the most bytes first.</summary>
    public IReadOnlyList<GgufTypeUse> TensorTypes { get; }

    /// <summary>The types of the tensors with more than one dimension.</summary>
    public IReadOnlyCollection<GgmlType> MatrixTypes { get; }

    /// <summary>general.file_type: enum llama_ftype of llama.cpp.</summary>
    public long? FileType { get; }

    /// <summary>general.architecture, such as "llama".</summary>
    public string? Architecture { get; }

    /// <summary>general.name.</summary>
    public string? Name { get; }

    /// <summary>Files the model is split into.</summary>
    public long? SplitCount { get; }

    /// <summary>block_count.</summary>
    public long? Layers { get; }

    /// <summary>embedding_length: the width of the model.</summary>
    public long? EmbeddingLength { get; }

    /// <summary>context_length: tokens the model was trained with.</summary>
    public long? ContextLength { get; }

    /// <summary>feed_forward_length: one value for all layers, or one per layer.</summary>
    public IReadOnlyList<long>? FeedForwardLength { get; }

    /// <summary>attention.head_count: one value for all layers, or one per layer (0: a layer without attention).</summary>
    public IReadOnlyList<long>? Heads { get; }

    /// <summary>attention.head_count_kv, as <see cref="Heads"/>.</summary>
    public IReadOnlyList<long>? KvHeads { get; }

    /// <summary>attention.key_length: elements of a head's key, the largest of all layers.</summary>
    public long? KeyLength { get; }

    /// <summary>attention.value_length: elements of a head's value, the largest of all layers.</summary>
    public long? ValueLength { get; }

    /// <summary>attention.sliding_window in tokens, the largest of all layers.</summary>
    public long? SlidingWindow { get; }

    /// <summary>rope.dimension_count, the largest of all layers.</summary>
    public long? RopeDimensions { get; }

    /// <summary>expert_count.</summary>
    public long? Experts { get; }

    /// <summary>expert_used_count: experts a token goes through, the most of all layers.</summary>
    public long? ExpertsUsed { get; }

    /// <summary>expert_group_count.</summary>
    public long? ExpertGroups { get; }

    /// <summary>expert_group_used_count.</summary>
    public long? ExpertGroupsUsed { get; }

    /// <summary>pooling_type: enum llama_pooling_type of llama.cpp.</summary>
    public long? PoolingType { get; }

    /// <summary>Whether it makes embeddings instead of text: it pools, or its attention sees what comes after.</summary>
    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>: attention.causal is no bool.</exception>
    public bool IsEmbedding => PoolingType > 0 || _file.GetBool(Key("attention.causal")) == false;

    /// <summary>tokenizer.ggml.model, such as "gpt2".</summary>
    public string? TokenizerModel { get; }

    /// <summary>tokenizer.ggml.pre, such as "qwen2".</summary>
    public string? TokenizerPre { get; }

    /// <summary>Number of tokens in the vocabulary.</summary>
    public long? VocabularySize { get; }

    /// <summary>Token that begins a text.</summary>
    public long? BosId { get; }

    /// <summary>Token that ends a text.</summary>
    public long? EosId { get; }

    /// <summary>tokenizer.chat_template: a Jinja template.</summary>
    public string? ChatTemplate { get; }

    /// <summary>tokenizer.chat_template.NAME: templates for what the first is not made for, as <c>tool_use</c>.</summary>
    public IReadOnlyDictionary<string, string> NamedChatTemplates { get; }

    /// <summary>The text of a token; null where there is none of that id.</summary>
    public string? TokenText(long? id)
    {
        if (id is not >= 0 || !_file.TryGet("tokenizer.ggml.tokens", out GgufEntry tokens) || id >= tokens.Count || tokens.ElementType != GgufValueType.String)
            return null;
        long at = 0;
        foreach (ReadOnlySpan<byte> text in _file.GetStrings(tokens))
        {
            if (at++ == id)
                return System.Text.Encoding.UTF8.GetString(text);
        }

        return null;
    }

    /// <summary>Reads what the file says.</summary>
    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>: a value is of the wrong type.</exception>
    public static GgufModelInfo From(GgufFile file) => new(file);

    /// <summary>Checks that llama.cpp can be given the model. The file must not be disposed yet.</summary>
    /// <exception cref="VaiModelException">
    /// <see cref="VaiError.InvalidModel"/>: a value is missing, out of range or contradicts another;
    /// <see cref="VaiError.NoTokenizer"/>: there is no vocabulary.
    /// </exception>
    public void Validate()
    {
        new GgufModelGate(_file, this).Check();
        new GgufAttentionGate(_file, this).Check();
        new GgufTokenizerGate(_file, this).Check();
    }

    /// <summary>The key of one of the architecture's own values.</summary>
    internal string Key(string name) => $"{Architecture}.{name}";

    private long[]? PerLayer(string name) => _file.GetIntegers(Key(name), MaxLayers) is { Length: > 0 } values ? values : null;

    private long? Number(string key)
    {
        if (_file.GetUInt(key) is not ulong value)
            return null;
        _file.TryGet(key, out GgufEntry entry);
        return value <= long.MaxValue ? (long)value : throw _file.Invalid(entry, $"{value} is more than {long.MaxValue}");
    }

    // Written as 2^32 - 1, or -1 by some converters, where there is none.
    private static Dictionary<string, string> Named(GgufFile file)
    {
        const string Prefix = "tokenizer.chat_template.";
        var named = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (GgufEntry entry in file.Entries)
        {
            if (entry.Type == GgufValueType.String && entry.Key.StartsWith(Prefix, StringComparison.Ordinal) && file.GetString(entry.Key) is { } text)
                named[entry.Key[Prefix.Length..]] = text;
        }

        return named;
    }

    private long? TokenId(string key) => _file.GetIntegers(key, 1) is [long id] && !GgufTokenizerGate.IsNone(id) ? id : null;
}

/// <summary>How much of a file a tensor type takes.</summary>
/// <param name="Type">The type.</param>
/// <param name="Tensors">Number of tensors.</param>
/// <param name="Bytes">Their bytes.</param>
internal readonly record struct GgufTypeUse(GgmlType Type, int Tensors, long Bytes);
