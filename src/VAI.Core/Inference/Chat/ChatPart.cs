using System.Text.Json.Serialization;

namespace VAI;

/// <summary>A part of a turn.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(TextPart), "text")]
[JsonDerivedType(typeof(ReasoningPart), "reasoning")]
[JsonDerivedType(typeof(ToolCallPart), "tool_call")]
[JsonDerivedType(typeof(ToolResultPart), "tool_result")]
[JsonDerivedType(typeof(ImagePart), "image")]
public abstract record ChatPart
{
    private protected ChatPart()
    {
    }

    /// <summary>The texts among some parts, one after the other.</summary>
    internal static string TextOf(IReadOnlyList<ChatPart> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        return string.Concat(parts.OfType<TextPart>().Select(p => p.Text));
    }
}

/// <summary>Something that is said.</summary>
/// <param name="Text">The text.</param>
public sealed record TextPart(string Text) : ChatPart;

/// <summary>What an assistant thought before it answered. Many templates leave that of earlier turns out.</summary>
/// <param name="Text">The text, without the marks around it.</param>
public sealed record ReasoningPart(string Text) : ChatPart;

/// <summary>An assistant's call of a tool.</summary>
/// <param name="Name">The tool's name.</param>
/// <param name="Arguments">Its arguments: the text of a JSON object.</param>
/// <param name="Id">By which its result is known; null for none.</param>
public sealed record ToolCallPart(string Name, string Arguments, string? Id = null) : ChatPart;

/// <summary>What a tool's call came to, in a turn of the role <c>tool</c>.</summary>
/// <param name="Content">The result, as text.</param>
/// <param name="CallId">The id of the call that it answers; null for none.</param>
/// <param name="Name">The tool's name; null for none.</param>
public sealed record ToolResultPart(string Content, string? CallId = null, string? Name = null) : ChatPart;

/// <summary>An image. No model here can see one yet: a turn that has one is refused.</summary>
/// <param name="Uri">Where it is.</param>
public sealed record ImagePart(Uri Uri) : ChatPart;
