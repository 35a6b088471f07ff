namespace VAI;

/// <summary>What a chat template can take, found out by rendering probes with it.</summary>
public sealed record ChatTemplateTraits
{
    /// <summary>Whether it takes a conversation at all. If not, all else is false.</summary>
    public bool Renders { get; init; }

    /// <summary>Whether it writes a system's turn. If not, the system's text stands before the first user's.</summary>
    public bool SystemRole { get; init; }

    /// <summary>Whether it takes several systems' turns, or one that is not the first. If not, they are one, at the beginning.</summary>
    public bool SystemAnywhere { get; init; }

    /// <summary>Whether it reads a content that is text.</summary>
    public bool TextContent { get; init; }

    /// <summary>Whether it reads a content that is a list of typed parts.</summary>
    public bool TypedContent { get; init; }

    /// <summary>Whether it writes the tools that a model may call.</summary>
    public bool Tools { get; init; }

    /// <summary>Whether it writes an assistant's calls of tools.</summary>
    public bool ToolCalls { get; init; }

    /// <summary>Whether it writes the results of tools. If not, they stand in a user's turn.</summary>
    public bool ToolResults { get; init; }

    /// <summary>Whether it wants the arguments of calls as objects: it would write a text of JSON once more as JSON.</summary>
    public bool ObjectArguments { get; init; }

    /// <summary>Whether it writes what an assistant thought, at least in the last turn.</summary>
    public bool ReasoningHistory { get; init; }

    /// <summary>Whether <see cref="ChatRenderOptions.EnableThinking"/> changes what it writes.</summary>
    public bool ThinkingSwitch { get; init; }

    /// <summary>Whether <see cref="ChatRenderOptions.ReasoningEffort"/> changes what it writes.</summary>
    public bool ReasoningEffort { get; init; }

    /// <summary>Whether it begins the assistant's turn where that is asked for.</summary>
    public bool GenerationPrompt { get; init; }

    /// <summary>Whether it takes two turns of one role in a row. If not, and it refuses them, they are one.</summary>
    public bool RepeatedRoles { get; init; }

    /// <summary>The marks around the model's thoughts; null where none were found.</summary>
    public ReasoningFormat? Reasoning { get; init; }
}
