using System.Text.Json.Serialization;

namespace VAI.Text.Tools.Formats;

/// <summary>Arguments that stand each between marks of their own: a string as it is, all else as JSON.</summary>
internal sealed record TagSyntax
{
    /// <summary>Before an argument's name.</summary>
    public required string KeyOpen { get; init; }

    /// <summary>Between its name and its value.</summary>
    public required string KeyClose { get; init; }

    /// <summary>Behind that, before a string; the same as <see cref="ValueOpen"/> where nothing tells strings from other values.</summary>
    public string TextOpen { get; init; } = "";

    /// <summary>Behind that, before another value.</summary>
    public string ValueOpen { get; init; } = "";

    /// <summary>Around the value, as a part of the marks: a line of its own.</summary>
    public string Padding { get; init; } = "";

    /// <summary>Behind the value; no string has it.</summary>
    public required string Close { get; init; }

    /// <summary>Behind that.</summary>
    public string After { get; init; } = "";

    /// <summary>Whether an argument that is no number, string, list or object is written as Python prints it, or as JSON; else as JSON.</summary>
    public bool PythonWords { get; init; }

    /// <summary>Whether a mark tells strings from other values.</summary>
    [JsonIgnore]
    public bool IsMarked => TextOpen != ValueOpen;

    /// <summary>Whether nothing is missing that must be there.</summary>
    [JsonIgnore]
    public bool IsWhole => !string.IsNullOrWhiteSpace(KeyOpen) && !string.IsNullOrWhiteSpace(KeyClose) && !string.IsNullOrWhiteSpace(Close)
        && (TextOpen, ValueOpen, Padding, After) is (not null, not null, not null, not null);
}
