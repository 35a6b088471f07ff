using VAI.Forge.Gguf;

namespace VAI.Forge.Vocabulary;

/// <summary>A vocabulary made here, token by token.</summary>
internal sealed class GeneratedVocabulary : ModelVocabulary
{
    private readonly List<string> _tokens;
    private readonly List<int> _types;
    private readonly List<float> _scores = [];
    private readonly List<string> _merges = [];
    private readonly List<int> _quiet = [];
    private readonly List<Action<GgufWriter>> _extra = [];
    private readonly string _model;

    /// <param name="model">The value of <c>tokenizer.ggml.model</c>.</param>
    /// <param name="size">Number of tokens that will be added.</param>
    public GeneratedVocabulary(string model, int size)
    {
        _model = model;
        _tokens = new List<string>(size);
        _types = new List<int>(size);
    }

    public override int Size => _tokens.Count;

    public override IReadOnlyList<int> QuietTokens => _quiet;

    public int Add(string token, TokenType type = TokenType.Normal)
    {
        int id = _tokens.Count;
        _tokens.Add(token);
        _types.Add((int)type);
        if (IsQuiet(type))
            _quiet.Add(id);
        return id;
    }

    public int AddScored(string token, float score, TokenType type = TokenType.Normal)
    {
        _scores.Add(score);
        return Add(token, type);
    }

    public void AddMerge(string left, string right) => _merges.Add($"{left} {right}");

    /// <summary>Names a token's role: <c>tokenizer.ggml.ROLE_token_id</c>.</summary>
    public void SetRole(string role, int token) =>
        _extra.Add(writer => writer.Add($"tokenizer.ggml.{role}_token_id", (uint)token));

    public void Set(string key, bool value) => _extra.Add(writer => writer.Add(key, value));

    public void Set(string key, string value) => _extra.Add(writer => writer.Add(key, value));

    public override void AddMetadata(GgufWriter writer)
    {
        writer.Add("tokenizer.ggml.model", _model);
        writer.Add("tokenizer.ggml.tokens", _tokens);
        writer.Add("tokenizer.ggml.token_type", [.. _types]);
        if (_scores.Count > 0)
            writer.Add("tokenizer.ggml.scores", [.. _scores]);
        if (_merges.Count > 0)
            writer.Add("tokenizer.ggml.merges", _merges);
        foreach (Action<GgufWriter> extra in _extra)
            extra(writer);
    }
}
