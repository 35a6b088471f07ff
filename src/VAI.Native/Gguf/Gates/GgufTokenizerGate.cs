using System.Globalization;

namespace VAI.Native.Gguf.Gates;

/// <summary>Checks the vocabulary before llama.cpp builds its tables from it.</summary>
internal readonly struct GgufTokenizerGate
{
    // Twice the largest published vocabulary; the check for repeated tokens stays within its 50 ms.
    private const int MaxTokens = 1 << 19;
    private const string Prefix = "tokenizer.ggml.";

    private readonly GgufFile _file;
    private readonly GgufModelInfo _info;

    public GgufTokenizerGate(GgufFile file, GgufModelInfo info)
    {
        _file = file;
        _info = info;
    }

    /// <summary>Whether a token id means that there is no such token.</summary>
    public static bool IsNone(long id) => id is -1 or uint.MaxValue;

    /// <summary>Throws where there is no vocabulary or its parts contradict each other.</summary>
    public void Check()
    {
        if (_info.TokenizerModel is null or "none" or "no_vocab")
            throw NoTokenizer("tokenizer.ggml.model");
        if (_file.GetArray(Prefix + "tokens", GgufValueType.String) is not { Count: > 0 } tokens)
            throw NoTokenizer("tokenizer.ggml.tokens");
        if (tokens.Count > MaxTokens)
            throw _file.Invalid(tokens, $"{tokens.Count} tokens are more than {MaxTokens}");

        SameLength("scores", GgufValueType.Float32, tokens);
        SameLength("token_type", GgufValueType.Int32, tokens);
        _file.GetArray(Prefix + "merges", GgufValueType.String);
        CheckIds(tokens.Count);
        CheckEmbedding(tokens.Count);
        CheckUnique(tokens);
        new GgufTokenizerKindGate(_file, tokens).Check(_info.TokenizerModel);
    }

    private void SameLength(string name, GgufValueType type, in GgufEntry tokens)
    {
        // llama.cpp reads as many as there are tokens.
        if (_file.GetArray(Prefix + name, type) is { } array && array.Count != tokens.Count)
            throw _file.Invalid(array, $"{array.Count} values do not match the {tokens.Count} tokens");
    }

    private void CheckIds(long tokens)
    {
        foreach (GgufEntry entry in _file.Entries)
        {
            if (!entry.Key.StartsWith(Prefix, StringComparison.Ordinal) || !entry.Key.EndsWith("_token_id", StringComparison.Ordinal))
                continue;
            long[]? ids = _file.GetIntegers(entry.Key, 1);
            if (ids is not [long id] || IsNone(id))
                continue;
            // Old conversions add a padding token past the end; llama.cpp ignores it, and nothing here pads.
            long end = entry.Key == Prefix + "padding_token_id" ? int.MaxValue : tokens - 1;
            if (id < 0 || id > end)
                throw _file.Invalid(entry, $"token {id} is not in 0..{end}");
        }
    }

    private void CheckEmbedding(long tokens)
    {
        if (!_file.TryGetTensor("token_embd.weight", out GgufTensor tensor))
            return;
        if (tensor is { D2: 1, D3: 1 } && tensor.D0 == (ulong)_info.EmbeddingLength!.Value && tensor.D1 == (ulong)tokens)
            return;
        throw GgufText.Invalid(_file.Path, "tensor 'token_embd.weight'", tensor.Offset,
            $"its shape {tensor.D0}x{tensor.D1}x{tensor.D2}x{tensor.D3} is not the embedding length {_info.EmbeddingLength} by {tokens} tokens");
    }

    // llama.cpp asserts that no two are the same.
    private void CheckUnique(in GgufEntry tokens)
    {
        int repeated = new TokenSet((int)tokens.Count).FindRepeated(_file.Payload(tokens));
        if (repeated >= 0)
            throw _file.Invalid(tokens, $"token {repeated.ToString(CultureInfo.InvariantCulture)} has the text of an earlier one");
    }

    private VaiModelException NoTokenizer(string key) => new(VaiError.NoTokenizer,
        $"{_file.Path}: metadata key '{key}' is missing, empty or says that there is no vocabulary. Use a conversion with its tokenizer.");
}
