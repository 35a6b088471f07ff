using System.Text.Json.Serialization;

namespace VAI.Text.Tools.Formats;

/// <summary>
/// How a family of models writes calls of tools, as data: what a call must be, and how it is read, both follow from it.
/// </summary>
internal sealed record ToolFormat
{
    /// <summary>What the family is called here.</summary>
    public required string Name { get; init; }

    /// <summary>What no text has, and begins the calls; empty where they begin an answer with a brace.</summary>
    public required string Trigger { get; init; }

    /// <summary>Before all calls.</summary>
    public string SectionOpen { get; init; } = "";

    /// <summary>Behind all calls.</summary>
    public string SectionClose { get; init; } = "";

    /// <summary>Before each call.</summary>
    public string CallOpen { get; init; } = "";

    /// <summary>Behind each call.</summary>
    public string CallClose { get; init; } = "";

    /// <summary>Between two calls; null where there is one at most.</summary>
    public string? Between { get; init; } = "";

    /// <summary>The member that is the tool's name, where a call is one JSON object; null where the name stands before its arguments.</summary>
    public string? NameKey { get; init; } = "name";

    /// <summary>The member that has the arguments.</summary>
    public string ArgumentsKey { get; init; } = "arguments";

    /// <summary>The member that is the call's id; null for none.</summary>
    public string? IdKey { get; init; }

    /// <summary>Whether the id is the first member; else the last.</summary>
    public bool IdFirst { get; init; }

    /// <summary>What an id is: a regular expression.</summary>
    public string IdPattern { get; init; } = "[a-zA-Z0-9]{9}";

    /// <summary>What stands between a name and its id, where both stand before the arguments; null where there is none.</summary>
    public string? IdOpen { get; init; }

    /// <summary>What an id has before the tool's name and what is counted of it; null where the id is what is written alone.</summary>
    public string? IdHead { get; init; }

    /// <summary>Between the name and the arguments, where it stands before them.</summary>
    public string NameClose { get; init; } = "";

    /// <summary>How the arguments are written that stand each between marks; null where they do not.</summary>
    public TagSyntax? Tags { get; init; }

    /// <summary>How the arguments are written that are a language's values; null where they are not. JSON where both are null.</summary>
    public LiteralSyntax? Literals { get; init; }

    /// <summary>Where calls are a part of their own of a turn: what begins such a part, behind another; empty where they are not.</summary>
    public string PartOpen { get; init; } = "";

    /// <summary>What ends a part before another.</summary>
    public string PartClose { get; init; } = "";

    /// <summary>What the prompt ends with already of the first call.</summary>
    public string Begun { get; init; } = "";

    /// <summary>What stands, behind <see cref="Begun"/>, before what is said; empty for nothing.</summary>
    public string SaidOpen { get; init; } = "";

    /// <summary>What begins the calls, with what may stand before it and is none of what is said.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Triggers => PartOpen.Length == 0 ? [Trigger] : [PartClose + PartOpen + Trigger, PartOpen + Trigger, Trigger];

    /// <summary>Whether nothing is missing that must be there.</summary>
    [JsonIgnore]
    public bool IsWhole => (Name, Trigger, SectionOpen, SectionClose, CallOpen) is (not null, not null, not null, not null, not null)
        && (CallClose, ArgumentsKey, IdPattern, NameClose) is (not null, not null, not null, not null)
        && (PartOpen, PartClose, Begun, SaidOpen) is (not null, not null, not null, not null) && Tags is null or { IsWhole: true } && Literals is null or { IsWhole: true }
        && (NameKey is not null || !string.IsNullOrWhiteSpace(CallOpen) || (!string.IsNullOrWhiteSpace(SectionOpen) && (Between is null || !string.IsNullOrWhiteSpace(Between))))
        && CallOpen.StartsWith(Begun, StringComparison.Ordinal);
}
