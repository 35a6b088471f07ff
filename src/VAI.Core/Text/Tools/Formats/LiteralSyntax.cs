using System.Text.Json.Serialization;

namespace VAI.Text.Tools.Formats;

/// <summary>Arguments that are written as a programming language has its values, with names that are no strings.</summary>
internal sealed record LiteralSyntax
{
    /// <summary>Opens them: a bracket.</summary>
    public char Open { get; init; } = '{';

    /// <summary>Closes them.</summary>
    public char Close { get; init; } = '}';

    /// <summary>Between a name and its value.</summary>
    public char Assign { get; init; } = ':';

    /// <summary>Before and behind a string, which has it nowhere and is else as it is; null where strings are as Python has them, in either quotes.</summary>
    public string? Quote { get; init; }

    /// <summary>Whether the members of an object within have names that are strings.</summary>
    public bool QuotedKeys { get; init; }

    /// <summary>Whether nothing is missing that must be there.</summary>
    [JsonIgnore]
    public bool IsWhole => (Quote is null || !string.IsNullOrWhiteSpace(Quote)) && Open is '{' or '(' && Close is '}' or ')' && Assign is ':' or '=';
}
