namespace VAI.Native.Gguf.Gates;

/// <summary>
/// Checks the attention tensors against the head counts: where an architecture's tensors do not depend on the counts,
/// llama.cpp v0.5.0 notices a contradiction only while it builds the graph, and ends the process.
/// </summary>
internal readonly struct GgufAttentionGate
{
    /// <summary>Architectures whose queries are heads times key length, and whose keys and values are equally long.</summary>
    private static readonly string[] Plain =
        ["llama", "qwen2", "qwen2moe", "qwen3", "qwen3moe", "gemma", "gemma2", "gemma3", "bert", "nomic-bert"];

    private readonly GgufFile _file;
    private readonly GgufModelInfo _info;

    public GgufAttentionGate(GgufFile file, GgufModelInfo info)
    {
        _file = file;
        _info = info;
    }

    /// <summary>Throws where a layer's tensors contradict its counts. The counts have passed <see cref="GgufModelGate"/>.</summary>
    public void Check()
    {
        if (_info.Heads is not { } heads)
            return;
        bool plain = Plain.Contains(_info.Architecture);
        long embedding = _info.EmbeddingLength!.Value;
        for (int layer = 0; layer < _info.Layers; layer++)
        {
            long own = At(heads, layer);
            long kv = _info.KvHeads is { } counts ? At(counts, layer) : own;
            if (own == 0)
                continue;
            long key = _info.KeyLength ?? embedding / own;
            long value = _info.ValueLength ?? embedding / own;
            if (plain && (key != value || key == 0))
                throw Unequal(key, value);
            Rows($"blk.{layer}.attn_q.weight", own * key, plain);
            Rows($"blk.{layer}.attn_k.weight", kv * key, plain);
            Rows($"blk.{layer}.attn_v.weight", kv * value, plain);
        }
    }

    private VaiModelException Unequal(long key, long value)
    {
        if (!_file.TryGet(_info.Key("attention.key_length"), out GgufEntry entry)
            && !_file.TryGet(_info.Key("attention.value_length"), out entry))
        {
            _file.TryGet(_info.Key("attention.head_count"), out entry);
        }

        return _file.Invalid(entry, $"a key length of {key} and a value length of {value} do not go together");
    }

    private static long At(IReadOnlyList<long> values, int layer) => values.Count == 1 ? values[0] : values[layer];

    // Others may gate their queries, which makes them a multiple.
    private void Rows(string name, long rows, bool exact)
    {
        if (rows == 0 || !_file.TryGetTensor(name, out GgufTensor tensor))
            return;
        if (exact ? tensor.D1 != (ulong)rows : tensor.D1 % (ulong)rows != 0)
        {
            throw GgufText.Invalid(
                _file.Path, $"tensor '{name}'", tensor.Offset, $"its {tensor.D1} rows do not fit the {rows} of its heads and their length");
        }
    }
}
