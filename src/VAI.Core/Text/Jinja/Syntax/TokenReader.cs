namespace VAI.Text.Jinja.Syntax;

/// <summary>Where a parser is, and how deep and how large what it has made is: a template comes from whoever made the model's file.</summary>
internal sealed class TokenReader(IReadOnlyList<Token> tokens)
{
    /// <summary>Most expressions and statements within each other.</summary>
    public const int MostDepth = 64;

    /// <summary>Most of them in a template.</summary>
    public const int MostNodes = 100_000;

    private int _at;
    private int _depth;
    private int _nodes;

    /// <summary>Loops around what is read, also those around a macro in them.</summary>
    public int Loops { get; set; }

    /// <summary>Filters and tests that were read.</summary>
    public KnownNames Known { get; } = new();

    public Token Current => tokens[_at];

    /// <summary>The one behind the current one; the end stays the end.</summary>
    public Token Ahead => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    /// <summary>Of the current one among all.</summary>
    public int Position => _at;

    /// <summary>Whether a name stands between a position and the current one.</summary>
    public bool HasName(string name, int from)
    {
        for (int i = from; i < _at; i++)
        {
            if (tokens[i].IsName(name))
                return true;
        }

        return false;
    }

    /// <summary>Takes the current one.</summary>
    public Token Next()
    {
        Token token = tokens[_at];
        _at = Math.Min(_at + 1, tokens.Count - 1);
        return token;
    }

    public bool Skip(string symbol)
    {
        if (!Current.IsSymbol(symbol))
            return false;
        Next();
        return true;
    }

    public bool SkipName(string name)
    {
        if (!Current.IsName(name))
            return false;
        Next();
        return true;
    }

    public Token Expect(TokenKind kind, string what) =>
        Current.Kind == kind ? Next() : throw new TemplateError(Current.Line, $"{what} was expected, and here is {Current}");

    public void Expect(string symbol)
    {
        if (!Skip(symbol))
            throw new TemplateError(Current.Line, $"'{symbol}' was expected, and here is {Current}");
    }

    public void ExpectName(string name)
    {
        if (!SkipName(name))
            throw new TemplateError(Current.Line, $"'{name}' was expected, and here is {Current}");
    }

    /// <summary>Reads something that may hold the same again.</summary>
    public T Within<T>(Func<T> read)
    {
        if (++_depth > MostDepth)
            throw new TemplateError(Current.Line, $"more than {MostDepth} expressions or statements are within each other");
        T result = read();
        _depth--;
        return Count(result);
    }

    /// <summary>Counts something that was made.</summary>
    public T Count<T>(T made) => ++_nodes <= MostNodes
        ? made : throw new TemplateError(Current.Line, $"the template has more than {MostNodes} expressions and statements");
}
