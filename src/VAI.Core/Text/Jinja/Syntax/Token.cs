namespace VAI.Text.Jinja.Syntax;

internal enum TokenKind
{
    /// <summary>Text of the template itself.</summary>
    Text,

    /// <summary><c>{%</c></summary>
    StatementStart,

    /// <summary><c>%}</c></summary>
    StatementEnd,

    /// <summary><c>{{</c></summary>
    OutputStart,

    /// <summary><c>}}</c></summary>
    OutputEnd,

    Name,
    String,
    Integer,
    Float,

    /// <summary>An operator or a bracket, by its characters.</summary>
    Symbol,

    End,
}

/// <summary>A piece of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Value">Its text; of a string what it stands for.</param>
/// <param name="Line">Where it begins, from 1.</param>
internal readonly record struct Token(TokenKind Kind, string Value, int Line)
{
    public bool IsSymbol(string symbol) => Kind == TokenKind.Symbol && Value == symbol;

    public bool IsName(string name) => Kind == TokenKind.Name && Value == name;

    /// <summary>In the words of an error.</summary>
    public override string ToString() => Kind switch
    {
        TokenKind.Text => "text",
        TokenKind.End => "the end of the template",
        TokenKind.String => "a string",
        _ => $"'{Value}'",
    };
}
