using System.Buffers;

namespace VAI.Native.Gguf.Gates;

/// <summary>
/// Bounds a model's dimensions before llama.cpp computes with them. Where llama.cpp v0.5.0 would abort the process
/// rather than refuse, the comment says so.
/// </summary>
internal readonly struct GgufModelGate
{
    private const long MaxEmbedding = 1 << 20;
    private const long MaxHeads = 4096;
    private const long MaxContext = 1 << 30;
    private const long MaxFeedForward = 1 << 24;
    private const long MaxExperts = 1024; // LLAMA_MAX_EXPERTS; an assertion
    private const string Projector = "clip";

    private static readonly SearchValues<char> ArchitectureCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_.-");

    private static readonly (string Name, bool NotNegative)[] Floats =
    [
        ("rope.freq_base", true),
        ("rope.freq_base_swa", true),
        ("rope.scale_linear", true),
        ("rope.scaling.factor", true),
        ("attention.layer_norm_epsilon", true), // ggml asserts that these three are not negative
        ("attention.layer_norm_rms_epsilon", true),
        ("attention.group_norm_epsilon", true),
        ("attention.scale", false),
        ("logit_scale", false),
    ];

    private readonly GgufFile _file;
    private readonly GgufModelInfo _info;

    public GgufModelGate(GgufFile file, GgufModelInfo info)
    {
        _file = file;
        _info = info;
    }

    /// <summary>Whether a text can be the name of an architecture: [a-z0-9_.-]{1,64}.</summary>
    public static bool IsArchitecture(string? text) =>
        text is { Length: >= 1 and <= 64 } && !text.AsSpan().ContainsAnyExcept(ArchitectureCharacters);

    /// <summary>Throws where a value is missing or cannot be right.</summary>
    public void Check()
    {
        CheckArchitecture();
        if (_info.SplitCount > 1)
            throw Wrong("split.count", $"this is one of {_info.SplitCount} parts of a model, which are loaded by the path of the first");
        if (_info.Architecture == Projector || _file.Entries.Any(e => e.Key.StartsWith(Projector + ".", StringComparison.Ordinal)))
        {
            throw new VaiModelException(
                VaiError.InvalidModel, $"{_file.Path}: this is a vision projector (mmproj), no language model. Give the file of the model that it belongs to.");
        }

        Need("block_count", _info.Layers, 1, GgufModelInfo.MaxLayers);
        Need("embedding_length", _info.EmbeddingLength, 1, MaxEmbedding);
        Need("context_length", _info.ContextLength, 1, MaxContext);
        PerLayer("feed_forward_length", _info.FeedForwardLength, MaxFeedForward);
        PerLayer("attention.head_count", _info.Heads, MaxHeads);
        PerLayer("attention.head_count_kv", _info.KvHeads, MaxHeads);
        Within("attention.key_length", _info.KeyLength, 0, MaxEmbedding);
        Within("attention.value_length", _info.ValueLength, 0, MaxEmbedding);
        Within("rope.dimension_count", _info.RopeDimensions, 0, MaxEmbedding);
        Within("pooling_type", _info.PoolingType, 0, 4); // an unknown one is an abort
        Within("attention.sliding_window", _info.SlidingWindow, 0, uint.MaxValue);
        CheckHeads();
        CheckExperts();
        foreach ((string name, bool notNegative) in Floats)
            CheckFloat(_info.Key(name), notNegative);
    }

    private void CheckArchitecture()
    {
        if (_info.Architecture is not string architecture)
            throw GgufText.Missing(_file.Path, "metadata key 'general.architecture'");
        if (!IsArchitecture(architecture))
            throw WrongKey("general.architecture", $"{GgufText.Quote(architecture)} is not 1 to 64 of a-z, 0-9, '_', '.' and '-'");
    }

    // A scalar of 0 is what converters write for models without attention.
    private void CheckHeads()
    {
        if (_info.Heads is [long heads and > 0] && _info.KvHeads is [long kv and > 0] && heads % kv != 0)
            throw Wrong("attention.head_count_kv", $"{kv} does not divide the head count {heads}");
    }

    // All of these are assertions in llama.cpp.
    private void CheckExperts()
    {
        long experts = _info.Experts ?? 0;
        long groups = _info.ExpertGroups ?? 0;
        Within("expert_count", experts, 0, MaxExperts);
        Within("expert_used_count", _info.ExpertsUsed, experts > 0 ? 1 : 0, experts);
        if (experts > 0 && _info.ExpertsUsed == null)
            throw GgufText.Missing(_file.Path, $"metadata key '{_info.Key("expert_used_count")}'");
        Within("expert_group_count", groups, 0, Math.Max(0, experts - 1));
        if (groups <= 1)
            return;
        if (experts % groups != 0)
            throw Wrong("expert_group_count", $"{groups} does not divide the expert count {experts}");
        if (_info.ExpertGroupsUsed == null)
            throw GgufText.Missing(_file.Path, $"metadata key '{_info.Key("expert_group_used_count")}'");
        Within("expert_group_used_count", _info.ExpertGroupsUsed, 1, groups - 1);
    }

    private void CheckFloat(string key, bool notNegative)
    {
        // Arrays hold one value per layer.
        if (!_file.TryGet(key, out GgufEntry entry) || entry.IsArray)
            return;
        if (_file.GetFloat(key) < 0 && notNegative)
            throw _file.Invalid(entry, "the number is negative");
    }

    private void PerLayer(string name, IReadOnlyList<long>? values, long max)
    {
        if (values == null)
            return;
        if (values.Count > 1 && values.Count < _info.Layers)
            throw Wrong(name, $"{values.Count} values are fewer than the {_info.Layers} layers");
        foreach (long value in values)
            Within(name, value, 0, max);
    }

    private void Need(string name, long? value, long min, long max)
    {
        if (value == null)
            throw GgufText.Missing(_file.Path, $"metadata key '{_info.Key(name)}'");
        Within(name, value, min, max);
    }

    private void Within(string name, long? value, long min, long max)
    {
        if (value < min || value > max)
            throw Wrong(name, $"{value} is not in {min}..{max}");
    }

    private VaiModelException Wrong(string name, string what) => WrongKey(name.StartsWith("split.") ? name : _info.Key(name), what);

    private VaiModelException WrongKey(string key, string what)
    {
        _file.TryGet(key, out GgufEntry entry);
        return _file.Invalid(entry, what);
    }
}
