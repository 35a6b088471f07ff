namespace VAI.Text.Chat;

/// <summary>Under which name a template reads what an assistant thought.</summary>
internal enum ReasoningField
{
    /// <summary>Under none.</summary>
    None,
    ReasoningContent,
    Thinking,
    Reasoning,

    /// <summary>As a part of the content, of the type <c>thinking</c>.</summary>
    Typed,
}

/// <summary>In which form a template reads messages.</summary>
/// <param name="TypedContent">Whether a content is a list of typed parts, as it reads no text by itself.</param>
/// <param name="ObjectArguments">Whether a call's arguments are an object, as it would write a text once more as JSON.</param>
/// <param name="Reasoning">Where thoughts are.</param>
internal readonly record struct TemplateForm(bool TypedContent, bool ObjectArguments, ReasoningField Reasoning);
