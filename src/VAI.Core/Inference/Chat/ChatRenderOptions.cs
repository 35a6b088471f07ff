using System.Text.Json;

namespace VAI;

/// <summary>How a conversation becomes a prompt.</summary>
public sealed record ChatRenderOptions
{
    /// <summary>Ends with the beginning of the assistant's next turn.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>
    /// Goes on with the assistant's words that the conversation ends with, instead of beginning a turn behind them. The last turn must then be the
    /// assistant's, and hold text.
    /// </summary>
    public bool ContinueFinalTurn { get; init; }

    /// <summary>The tools that the model may call, each as OpenAI's API has it: <c>{"type": "function", "function": {...}}</c>; null for none.</summary>
    public IReadOnlyList<JsonElement>? Tools { get; init; }

    /// <summary>Whether a model that can think does; null for what its template does by itself. Templates have it as <c>enable_thinking</c>.</summary>
    public bool? EnableThinking { get; init; }

    /// <summary>How much it thinks, in the words of its template, as <c>low</c> or <c>high</c>; null for what it does by itself.</summary>
    public string? ReasoningEffort { get; init; }

    /// <summary>Further names that the template is given, and their values; they replace those that it is given by itself.</summary>
    public IReadOnlyDictionary<string, JsonElement>? TemplateArguments { get; init; }

    /// <summary>
    /// The template: a name that the model's file has (<see cref="ModelInfo.NamedChatTemplates"/>), or a text with Jinja in it; null for the model's own.
    /// </summary>
    public string? Template { get; init; }

    /// <summary>The time that templates write; null for now.</summary>
    public DateTimeOffset? Time { get; init; }
}
