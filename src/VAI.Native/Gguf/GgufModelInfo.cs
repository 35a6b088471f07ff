using System.Text.RegularExpressions;

namespace VAI.Native.Gguf;

/// <summary>What a model's metadata says, with types and ranges checked. Reading it needs no tokenizer and no weights.</summary>
internal sealed partial class GgufModelInfo
{
    private const int MaxLayers = 4096;
    private const int MaxLength = 1 << 20;
    private const int MaxContext = 1 << 30;

    private readonly GgufFile _file;

    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>: a value has the wrong type or range.</exception>
    public GgufModelInfo(GgufFile file)
    {
        _file = file;
        Architecture = file.GetString("general.architecture")
            ?? throw file.Invalid("it has no 'general.architecture'");
        if (!ArchitectureName().IsMatch(Architecture))
            throw file.Invalid("'general.architecture' is no architecture's name");
        Title = file.GetString("general.name");
        Layers = (int)Required("block_count", 1, MaxLayers);
        EmbeddingLength = (int)Required("embedding_length", 1, MaxLength);
        ContextLength = (int)Required("context_length", 1, MaxContext);
        Heads = MaxOf("attention.head_count");
        KvHeads = file.TryGet($"{Architecture}.attention.head_count_kv", out _) ? MaxOf("attention.head_count_kv") : Heads;
        FeedForwardLength = MaxOf("feed_forward_length");
        Experts = (int)(Optional("expert_count", 0, 4096) ?? 0);
        ExpertsUsed = (int)(Optional("expert_used_count", 0, 4096) ?? 0);
        SlidingWindow = (int)(Optional("attention.sliding_window", 0, MaxContext) ?? 0);
        Pooling = (int)(Optional("pooling_type", 0, 4) ?? 0);
        Causal = file.GetBool($"{Architecture}.attention.causal") ?? true;
        Tokenizer = file.GetString("tokenizer.ggml.model");
        VocabularySize = file.TryGet("tokenizer.ggml.tokens", out GgufEntry tokens) && tokens.IsArray ? (int)tokens.Count : 0;
        ChatTemplate = file.GetString("tokenizer.chat_template");
        foreach (GgufTensor tensor in file.Tensors)
        {
            TensorBytes += tensor.Bytes;
            Parameters += tensor.Elements;
        }
    }

    public string Path => _file.Path;

    public long FileBytes => _file.Length;

    public string Architecture { get; }

    public string? Title { get; }

    public int Layers { get; }

    public int EmbeddingLength { get; }

    /// <summary>What the model was trained for, in tokens.</summary>
    public int ContextLength { get; }

    public int Heads { get; }

    public int KvHeads { get; }

    public int FeedForwardLength { get; }

    public int Experts { get; }

    public int ExpertsUsed { get; }

    /// <summary>Tokens a sliding-window layer sees; 0 without one.</summary>
    public int SlidingWindow { get; }

    /// <summary><c>enum llama_pooling_type</c>; above 0 for embedding models.</summary>
    public int Pooling { get; }

    public bool Causal { get; }

    /// <summary><c>llama</c>, <c>gpt2</c>, <c>bert</c> ...; null without a tokenizer.</summary>
    public string? Tokenizer { get; }

    public int VocabularySize { get; }

    public string? ChatTemplate { get; }

    public int TensorCount => _file.Tensors.Count;

    public long TensorBytes { get; }

    public long Parameters { get; }

    /// <summary>Bytes by type of storage, the largest first.</summary>
    public IEnumerable<(string Type, int Tensors, long Bytes)> Types => _file.Tensors
        .GroupBy(t => t.Type.Name)
        .Select(g => (g.Key, g.Count(), g.Sum(t => t.Bytes)))
        .OrderByDescending(g => g.Item3);

    /// <summary>Checks what must hold before llama.cpp may see the file.</summary>
    /// <exception cref="VaiModelException">
    /// <see cref="VaiError.NoTokenizer"/>, or <see cref="VaiError.InvalidModel"/> for the first contradiction.
    /// </exception>
    public void ValidateForLoading()
    {
        if (_file.GetInteger("split.count") is > 1)
            throw _file.Invalid("it is one part of several; merge them with llama-gguf-split --merge");
        if (Experts > 0 && ExpertsUsed > Experts)
            throw _file.Invalid($"it uses {ExpertsUsed} of {Experts} experts");
        if (Heads < 1 || (KvHeads > 0 && KvHeads > Heads))
            throw _file.Invalid($"it has {Heads} attention heads and {KvHeads} key-value heads");
        if (IsScalar("attention.head_count") && IsScalar("attention.head_count_kv") && KvHeads > 0 && Heads % KvHeads != 0)
            throw _file.Invalid($"its {Heads} attention heads are no multiple of its {KvHeads} key-value heads");
        foreach (string key in (string[])["attention.key_length", "attention.value_length", "rope.dimension_count"])
            Optional(key, 1, 65_536);
        foreach (GgufEntry entry in _file.Entries)
        {
            bool isFloat = entry is { Type: GgufValueType.Float32 or GgufValueType.Float64 };
            if (isFloat && !double.IsFinite(_file.GetFloat(entry.Key)!.Value))
                throw _file.Invalid($"'{entry.Key}' at byte {entry.Offset} is not finite");
        }

        ValidateTokenizer();
    }

    private void ValidateTokenizer()
    {
        if (Tokenizer is null or "none" or "no_vocab" || VocabularySize == 0)
        {
            throw new VaiModelException(
                VaiError.NoTokenizer,
                $"'{Path}' has no tokenizer, so that no text can go in or out. Convert the model with its tokenizer files beside it.");
        }

        TokenArray("tokens", GgufValueType.String);
        TokenArray("scores", GgufValueType.Float32);
        TokenArray("token_type", GgufValueType.Int32);
        if (_file.TryGet("tokenizer.ggml.merges", out GgufEntry merges) && merges is not { IsArray: true, ElementType: GgufValueType.String })
            throw _file.Invalid($"'{merges.Key}' at byte {merges.Offset} is no array of strings");
        foreach (GgufEntry entry in _file.Entries)
        {
            if (!entry.Key.StartsWith("tokenizer.ggml.", StringComparison.Ordinal)
                || !entry.Key.EndsWith("_token_id", StringComparison.Ordinal))
            {
                continue;
            }

            long id = entry.IsArray ? long.MaxValue : _file.Integer(entry, 0);
            bool none = id is -1 or uint.MaxValue;
            if (!none && (id < 0 || id >= VocabularySize))
                throw _file.Invalid($"'{entry.Key}' at byte {entry.Offset} is {id}, outside the vocabulary of {VocabularySize}");
        }

        foreach (GgufTensor tensor in _file.Tensors)
        {
            if (tensor.Name == "token_embd.weight" && (tensor.Shape.Row != EmbeddingLength || tensor.Shape.Rows != VocabularySize))
            {
                throw _file.Invalid(
                    $"'token_embd.weight' is {tensor.Shape.Row} x {tensor.Shape.Rows}, but the metadata says {EmbeddingLength} x {VocabularySize}");
            }
        }
    }

    private void TokenArray(string name, GgufValueType type)
    {
        if (!_file.TryGet($"tokenizer.ggml.{name}", out GgufEntry entry))
            return;
        if (!entry.IsArray || entry.ElementType != type || entry.Count != VocabularySize)
        {
            throw _file.Invalid(
                $"'{entry.Key}' at byte {entry.Offset} is no array of {VocabularySize} values of type {type}");
        }
    }

    private bool IsScalar(string name) => _file.TryGet($"{Architecture}.{name}", out GgufEntry e) && !e.IsArray;

    private long Required(string name, long min, long max) => Optional(name, min, max)
        ?? throw _file.Invalid($"it has no '{Architecture}.{name}'");

    private long? Optional(string name, long min, long max)
    {
        string key = $"{Architecture}.{name}";
        if (!_file.TryGet(key, out GgufEntry entry) || entry.IsArray)
            return null;
        long value = _file.Integer(entry, 0);
        return value >= min && value <= max
            ? value
            : throw _file.Invalid($"'{key}' at byte {entry.Offset} is {value}, not from {min} to {max}");
    }

    /// <summary>A value that is one number, or one for each layer: the largest.</summary>
    private int MaxOf(string name)
    {
        string key = $"{Architecture}.{name}";
        if (!_file.TryGet(key, out GgufEntry entry))
            return 0;
        if (entry.Count > MaxLayers)
            throw _file.Invalid($"'{key}' at byte {entry.Offset} has {entry.Count} values, more than {MaxLayers} layers");
        long largest = 0;
        for (long i = 0; i < entry.Count; i++)
        {
            long value = _file.Integer(entry, i);
            if (value is < 0 or > MaxLength)
                throw _file.Invalid($"'{key}' at byte {entry.Offset} holds {value}, not from 0 to {MaxLength}");
            largest = Math.Max(largest, value);
        }

        return (int)largest;
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9_.-]{0,63}$")]
    private static partial Regex ArchitectureName();
}
