using System.Text.Json.Serialization;

namespace VAI;

/// <summary>A turn of a conversation.</summary>
/// <param name="Role">
/// Who speaks: <c>system</c> (or <c>developer</c>, which is the same), <c>user</c>, <c>assistant</c>, <c>tool</c>, or what else the model's template
/// knows.
/// </param>
/// <param name="Content">What is said, as text.</param>
public sealed record ChatTurn(string Role, string Content)
{
    /// <summary>A turn of several parts.</summary>
    /// <param name="role">Who speaks.</param>
    /// <param name="parts">What is said, thought, called or answered.</param>
    public ChatTurn(string role, IReadOnlyList<ChatPart> parts)
        : this(role, ChatPart.TextOf(parts)) => Parts = parts;

    /// <summary>What the turn consists of; null where <see cref="Content"/> is all of it. Where both are given, the content is the text of the parts.</summary>
    [JsonInclude]
    public IReadOnlyList<ChatPart>? Parts { get; init; }

    /// <summary>A name of who speaks, which some templates write; null for none.</summary>
    public string? Name { get; init; }

    /// <summary>
    /// Whether control tokens that stand in it are read as such. By default they are text, so that nobody who writes a message, or a document that
    /// is in one, can end the turn or begin another.
    /// </summary>
    public bool ParseSpecial { get; init; }
}
