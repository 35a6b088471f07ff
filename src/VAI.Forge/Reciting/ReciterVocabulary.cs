using VAI.Forge.Vocabulary;

namespace VAI.Forge.Reciting;

/// <summary>A byte-level BPE vocabulary for prompts, then special tokens, then the pieces of the scripts, which no merge makes.</summary>
internal sealed class ReciterVocabulary
{
    private const int Merges = 744;
    private const int MinSpecialLength = 2;

    private readonly Dictionary<string, int> _ids = [];
    private readonly HashSet<string> _specials = [];
    private readonly GeneratedVocabulary _tokens = new("gpt2", 4096);

    /// <exception cref="VaiUsageException">A special token is too short, or is both of control and text.</exception>
    public ReciterVocabulary(ReciterOptions options)
    {
        for (int value = 0; value <= byte.MaxValue; value++)
            Add(ByteBpeVocabulary.SpellingOf((byte)value), TokenType.Normal);
        foreach (string text in options.ControlTokens.Append(options.EndToken).Concat(options.BeginToken is { } begin ? [begin] : []))
            AddSpecial(text, TokenType.Control);
        End = _ids[options.EndToken];
        foreach (string text in options.TextTokens.Concat(options.Scripts.Select(s => s.Marker).OfType<string>()))
            AddSpecial(text, TokenType.UserDefined);
        foreach (Piece piece in PieceFactory.Pieces().Take(Merges))
        {
            string left = piece.Left.Replace(" ", ByteBpeVocabulary.SpellingOf((byte)' '), StringComparison.Ordinal);
            string right = piece.Right.Replace(" ", ByteBpeVocabulary.SpellingOf((byte)' '), StringComparison.Ordinal);
            _tokens.AddMerge(left, right);
            Add(left + right, TokenType.Normal);
        }

        _tokens.Set("tokenizer.ggml.pre", "qwen2");
        _tokens.SetRole("bos", _ids[options.BeginToken ?? options.EndToken]);
        _tokens.SetRole("eos", End);
        _tokens.SetRole("padding", End);
        _tokens.Set("tokenizer.ggml.add_bos_token", options.BeginToken is not null);
        _tokens.Set("tokenizer.chat_template", options.Template ?? ChatTemplates.ChatMl);
    }

    public GeneratedVocabulary Tokens => _tokens;

    public IReadOnlySet<string> Specials => _specials;

    /// <summary>The token that ends an answer.</summary>
    public int End { get; }

    public int Size => _tokens.Size;

    public bool Has(string text) => _ids.ContainsKey(text);

    public int IdOf(string text) => _ids[text];

    /// <summary>The piece's token, made if there is none.</summary>
    public int Add(ScriptPiece piece) => Add(piece.Text, TokenType.Normal);

    private int Add(string text, TokenType type)
    {
        if (!_ids.TryGetValue(text, out int id))
            _ids.Add(text, id = _tokens.Add(text, type));
        return id;
    }

    private void AddSpecial(string text, TokenType type)
    {
        if (text.Length < MinSpecialLength)
            throw new VaiUsageException(VaiError.InvalidOption, $"\"{text}\" cannot be a special token or a marker: give {MinSpecialLength} characters or more.");
        _specials.Add(text);
        Add(text, type);
    }
}
