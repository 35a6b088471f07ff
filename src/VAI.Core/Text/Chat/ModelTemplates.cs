using VAI.OptionRules;

namespace VAI.Text.Chat;

/// <summary>The chat templates of a model: its own, those that its file names, and one that was given last. Each is read once. Thread-safe.</summary>
internal sealed class ModelTemplates(string model, ModelInfo info)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ChatTemplate> _read = new(StringComparer.Ordinal);
    private ChatTemplate? _given;

    /// <summary>Whether they are those of a model of which this is said.</summary>
    public bool AreOf(ModelInfo other) => ReferenceEquals(info, other)
        || (other.ChatTemplate == info.ChatTemplate && other.BosToken == info.BosToken && other.EosToken == info.EosToken
            && Same(other.NamedChatTemplates, info.NamedChatTemplates));

    /// <param name="template">A name, or a text with Jinja in it; null for the model's own.</param>
    /// <exception cref="VaiUsageException">As <see cref="IModelContext.GetChatTemplate"/>.</exception>
    public ChatTemplate Get(string? template)
    {
        if (template is not null && IsText(template))
            return Given(template);
        string name = template ?? "";
        lock (_gate)
        {
            if (_read.TryGetValue(name, out ChatTemplate? read))
                return read;
        }

        string text = template is null ? info.ChatTemplate ?? ChatTemplate.ChatMl : Named(model, info, template);
        ChatTemplate parsed = Parse(text);
        lock (_gate)
            return _read[name] = parsed;
    }

    public ValueTask<ChatPrompt> RenderAsync(IReadOnlyList<ChatTurn> turns, ChatRenderOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(turns);
        ArgumentNullException.ThrowIfNull(options);
        cancellationToken.ThrowIfCancellationRequested();

        // Where a file has a template for tools beside its own, that is for conversations with tools.
        string? template = options.Template ?? (options.Tools is { Count: > 0 } && info.NamedChatTemplates?.ContainsKey("tool_use") == true ? "tool_use" : null);
        return new ValueTask<ChatPrompt>(Get(template).Render(turns, options));
    }

    /// <summary>The template that a model is loaded with instead of its file's own; null for that.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidChatTemplate"/>: what they say is none; <see cref="VaiError.InvalidOption"/>: no such name.</exception>
    public static string? Chosen(ModelOptions options, ModelInfo info)
    {
        if (options.ChatTemplate is not { } chosen)
            return null;
        string text = IsText(chosen) ? chosen : Named(options.Name, info, chosen);
        ChatTemplate.Parse(text);
        return text;
    }

    private static bool Same(IReadOnlyDictionary<string, string>? left, IReadOnlyDictionary<string, string>? right) =>
        (left?.Count ?? 0) == (right?.Count ?? 0) && (left is null || left.All(n => right!.TryGetValue(n.Key, out string? text) && text == n.Value));

    private static bool IsText(string template) => template.Contains('{', StringComparison.Ordinal);

    private static string Named(string model, ModelInfo info, string name) => info.NamedChatTemplates?.GetValueOrDefault(name) ?? throw OptionCheck.Invalid(
        $"'{model}' has no chat template '{name}'. It has {(info.NamedChatTemplates is { Count: > 0 } named ? string.Join(", ", named.Keys.Order()) : "none with a name")}.");

    private ChatTemplate Given(string text)
    {
        lock (_gate)
        {
            if (_given?.Source == text)
                return _given;
        }

        ChatTemplate parsed = Parse(text);
        lock (_gate)
            return _given = parsed;
    }

    private ChatTemplate Parse(string text) => ChatTemplate.Parse(text, info.BosToken ?? "", info.EosToken ?? "");
}
