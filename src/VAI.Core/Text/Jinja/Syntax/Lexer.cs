namespace VAI.Text.Jinja.Syntax;

/// <summary>
/// Takes a template apart, as Jinja2 does with <c>trim_blocks</c> and <c>lstrip_blocks</c> (Jinja's "Template Designer Documentation", "Whitespace
/// Control"): a newline behind a statement or a comment goes, and so do blanks before one that begins its line; a hyphen takes all blanks, a plus none.
/// </summary>
internal sealed class Lexer
{
    private const string RawStart = "raw", RawEnd = "endraw";

    private readonly string _source;
    private readonly ExpressionLexer _inside;
    private readonly List<Token> _tokens = [];
    private int _at;
    private int _line = 1;

    // Whether what comes begins a line, and whether blanks before it go.
    private bool _startsLine = true;
    private bool _strips;

    private Lexer(string source) => (_source, _inside) = (source, new ExpressionLexer(source));

    /// <summary>The tokens of a template, the last of them its end.</summary>
    /// <exception cref="TemplateError">It is no template.</exception>
    public static IReadOnlyList<Token> Read(string source)
    {
        source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        var lexer = new Lexer(source.EndsWith('\n') ? source[..^1] : source);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private void ReadAll()
    {
        while (_at < _source.Length)
        {
            int tag = NextTag(_at);
            AddText(_at, tag);
            if (tag == _source.Length)
                break;
            Advance(tag);
            ReadTag();
        }

        _tokens.Add(new Token(TokenKind.End, "", _line));
    }

    private int NextTag(int from)
    {
        for (int brace = from; (brace = _source.IndexOf('{', brace)) >= 0; brace++)
        {
            if (brace + 1 < _source.Length && _source[brace + 1] is '%' or '{' or '#')
                return brace;
        }

        return _source.Length;
    }

    // What stands before a tag, less what the tags on both sides take of it.
    private void AddText(int start, int tag)
    {
        ReadOnlySpan<char> text = _source.AsSpan(start, tag - start);
        int line = _line;
        if (_strips)
        {
            ReadOnlySpan<char> rest = text.TrimStart();
            line += text[..(text.Length - rest.Length)].Count('\n');
            _startsLine |= text[..(text.Length - rest.Length)].EndsWith("\n");
            text = rest;
        }

        char sign = tag + 2 < _source.Length ? _source[tag + 2] : ' ';
        if (tag < _source.Length && sign == '-')
        {
            text = text.TrimEnd();
        }
        else if (tag < _source.Length && sign != '+' && _source[tag + 1] != '{')
        {
            int newline = text.LastIndexOf('\n');
            if ((newline >= 0 || _startsLine) && text[(newline + 1)..].IsWhiteSpace())
                text = text[..(newline + 1)];
        }

        if (!text.IsEmpty)
            _tokens.Add(new Token(TokenKind.Text, text.ToString(), line));
        (_startsLine, _strips) = (false, false);
    }

    private void ReadTag()
    {
        char kind = _source[_at + 1];
        int inside = _at + 2;
        if (inside < _source.Length && (_source[inside] == '-' || (_source[inside] == '+' && kind != '{')))
            inside++;
        if (kind == '#')
        {
            int end = _source.IndexOf("#}", inside, StringComparison.Ordinal);
            if (end < 0)
                throw new TemplateError(_line, "a comment has no end: '#}' is missing");
            Close(end, end > inside ? SignAt(end - 1) : ' ', trims: true);
            return;
        }

        bool statement = kind == '%';
        if (statement && RawBegins(inside) is { } raw)
        {
            ReadRaw(raw);
            return;
        }

        _tokens.Add(new Token(statement ? TokenKind.StatementStart : TokenKind.OutputStart, statement ? "{%" : "{{", _line));
        int opened = _line;
        int stop = _inside.Read(inside, ref _line, statement, _tokens);
        if (stop < 0)
            throw new TemplateError(opened, statement ? "a statement has no end: '%}' is missing" : "an output has no end: '}}' is missing");
        _at = stop;
        char sign = SignAt(stop);
        _tokens.Add(new Token(statement ? TokenKind.StatementEnd : TokenKind.OutputEnd, statement ? "%}" : "}}", _line));
        Close(sign == ' ' ? stop : stop + 1, sign, trims: statement);
    }

    // Behind the two characters that end a tag.
    private void Close(int end, char sign, bool trims)
    {
        Advance(end + 2);
        _strips = sign == '-';
        if (trims && sign == ' ' && _at < _source.Length && _source[_at] == '\n')
        {
            Advance(_at + 1);
            _startsLine = true;
        }
        else
        {
            _startsLine = false;
        }
    }

    // Where the text of a raw block begins, and how its tag ends.
    private (int Text, char Sign)? RawBegins(int inside)
    {
        int at = SkipBlanks(inside);
        if (!_source.AsSpan(at).StartsWith(RawStart, StringComparison.Ordinal))
            return null;
        at = SkipBlanks(at + RawStart.Length);
        char sign = SignAt(at);
        at += sign == '-' ? 1 : 0;
        return _source.AsSpan(at).StartsWith("%}", StringComparison.Ordinal) ? (at, sign) : null;
    }

    private void ReadRaw((int Text, char Sign) raw)
    {
        int opened = _line;
        Close(raw.Text, raw.Sign, trims: false);
        for (int tag = _at; (tag = _source.IndexOf("{%", tag, StringComparison.Ordinal)) >= 0; tag += 2)
        {
            int at = tag + 2;
            at = SkipBlanks(SignAt(at) == ' ' ? at : at + 1);
            if (!_source.AsSpan(at).StartsWith(RawEnd, StringComparison.Ordinal))
                continue;
            at = SkipBlanks(at + RawEnd.Length);
            char sign = SignAt(at);
            at += sign == ' ' ? 0 : 1;
            if (!_source.AsSpan(at).StartsWith("%}", StringComparison.Ordinal))
                continue;
            AddText(_at, tag);
            Close(at, sign, trims: true);
            return;
        }

        throw new TemplateError(opened, "a raw block has no end: '{% endraw %}' is missing");
    }

    private char SignAt(int at) => at < _source.Length && _source[at] is '-' or '+' ? _source[at] : ' ';

    private int SkipBlanks(int at)
    {
        while (at < _source.Length && char.IsWhiteSpace(_source[at]))
            at++;
        return at;
    }

    private void Advance(int to)
    {
        _line += _source.AsSpan(_at, to - _at).Count('\n');
        _at = to;
    }
}
