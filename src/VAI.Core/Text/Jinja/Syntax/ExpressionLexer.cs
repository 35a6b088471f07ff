namespace VAI.Text.Jinja.Syntax;

/// <summary>The tokens between the two ends of a tag.</summary>
internal sealed class ExpressionLexer(string source)
{
    // Names are looked up again and again, for nothing.
    private const int MostNameChars = 1_000;

    // The longer ones first.
    private static readonly string[] Symbols =
        ["**", "//", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"];

    // A tag's end within brackets is none.
    private readonly Stack<char> _open = new();

    /// <summary>Reads up to the end of a tag.</summary>
    /// <param name="at">Where it begins, behind the tag's start.</param>
    /// <param name="line">The line there, and at the end.</param>
    /// <param name="statement">Whether <c>%}</c> ends it, or <c>}}</c>.</param>
    /// <param name="tokens">Where the tokens go.</param>
    /// <returns>Where its end begins, with its sign if it has one; -1 if there is none.</returns>
    /// <exception cref="TemplateError">Something is no token, or brackets do not match.</exception>
    public int Read(int at, ref int line, bool statement, List<Token> tokens)
    {
        _open.Clear();
        while (at < source.Length)
        {
            char c = source[at];
            if (char.IsWhiteSpace(c))
            {
                line += c == '\n' ? 1 : 0;
                at++;
            }
            else if (_open.Count == 0 && Ends(at, statement))
            {
                return at;
            }
            else if (c is '"' or '\'')
            {
                at = AddString(at, ref line, tokens);
            }
            else if (char.IsAsciiDigit(c))
            {
                at = AddNumber(at, line, tokens);
            }
            else if (IsNameStart(c))
            {
                int start = at;
                while (at < source.Length && (IsNameStart(source[at]) || char.IsDigit(source[at])))
                    at++;
                if (at - start > MostNameChars)
                    throw new TemplateError(line, $"a name has {at - start} characters, and {MostNameChars} is the most");
                tokens.Add(new Token(TokenKind.Name, source[start..at], line));
            }
            else
            {
                at = AddSymbol(at, line, tokens);
            }
        }

        return -1;
    }

    private static bool IsNameStart(char c) => c == '_' || char.IsLetter(c);

    private bool Ends(int at, bool statement)
    {
        ReadOnlySpan<char> rest = source.AsSpan(at);
        if (rest[0] == '-' || (rest[0] == '+' && statement))
            rest = rest[1..];
        return rest.StartsWith(statement ? "%}" : "}}", StringComparison.Ordinal);
    }

    private int AddString(int start, ref int line, List<Token> tokens)
    {
        int at = start + 1;
        while (at < source.Length && source[at] != source[start])
            at += source[at] == '\\' ? 2 : 1;
        if (at >= source.Length)
            throw new TemplateError(line, "a string has no end");
        ReadOnlySpan<char> text = source.AsSpan(start + 1, at - start - 1);
        tokens.Add(new Token(TokenKind.String, StringEscapes.Decode(text, line), line));
        line += text.Count('\n');
        return at + 1;
    }

    private int AddNumber(int start, int line, List<Token> tokens)
    {
        int at = start;
        if (source[at] == '0' && at + 1 < source.Length && source[at + 1] is 'x' or 'X' or 'o' or 'O' or 'b' or 'B')
        {
            int radix = source[at + 1] is 'x' or 'X' ? 16 : source[at + 1] is 'o' or 'O' ? 8 : 2;
            at = Digits(at + 2, c => radix == 16 ? char.IsAsciiHexDigit(c) : c - '0' is >= 0 && c - '0' < radix);
            if (at == start + 2)
                throw new TemplateError(line, $"'{source[start..at]}' has no digits behind it");
            tokens.Add(new Token(TokenKind.Integer, source[start..at].Replace("_", "", StringComparison.Ordinal), line));
            return at;
        }

        TokenKind kind = TokenKind.Integer;
        at = Digits(at, char.IsAsciiDigit);
        // 'x.0.1' is two places, not a number behind a dot.
        bool behindDot = start > 0 && source[start - 1] == '.';
        if (!behindDot && at + 1 < source.Length && source[at] == '.' && char.IsAsciiDigit(source[at + 1]))
        {
            kind = TokenKind.Float;
            at = Digits(at + 1, char.IsAsciiDigit);
        }

        if (!behindDot && at < source.Length && source[at] is 'e' or 'E')
        {
            int digits = at + 1 < source.Length && source[at + 1] is '+' or '-' ? at + 2 : at + 1;
            if (digits < source.Length && char.IsAsciiDigit(source[digits]))
            {
                kind = TokenKind.Float;
                at = Digits(digits, char.IsAsciiDigit);
            }
        }

        if (kind == TokenKind.Integer && source[start] == '0' && source.AsSpan(start, at - start).ContainsAnyExcept('0', '_'))
            throw new TemplateError(line, "an integer begins with a zero");
        tokens.Add(new Token(kind, source[start..at].Replace("_", "", StringComparison.Ordinal), line));
        return at;
    }

    // With single underscores between them.
    private int Digits(int at, Func<char, bool> isDigit)
    {
        while (at < source.Length && (isDigit(source[at]) || (source[at] == '_' && at + 1 < source.Length && isDigit(source[at + 1]))))
            at++;
        return at;
    }

    private int AddSymbol(int at, int line, List<Token> tokens)
    {
        string? symbol = Array.Find(Symbols, s => source.AsSpan(at).StartsWith(s, StringComparison.Ordinal));
        switch (symbol)
        {
            case null:
                throw new TemplateError(line, $"'{source[at]}' is no part of an expression");
            case "(" or "[" or "{":
                _open.Push(symbol[0]);
                break;
            case ")" or "]" or "}":
                char opens = symbol[0] == ')' ? '(' : symbol[0] == ']' ? '[' : '{';
                if (!_open.TryPop(out char open) || open != opens)
                    throw new TemplateError(line, $"'{symbol}' closes nothing that was opened by '{opens}'");
                break;
        }

        tokens.Add(new Token(TokenKind.Symbol, symbol, line));
        return at + symbol.Length;
    }
}
