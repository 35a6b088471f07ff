using VAI.OptionRules;

namespace VAI.Text.Chat;

/// <summary>A turn as templates are given it: one text, and beside it what was thought and called.</summary>
internal sealed record ChatMessage
{
    public const string System = "system", User = "user", Assistant = "assistant", Tool = "tool";

    public required string Role { get; init; }

    public string Text { get; init; } = "";

    /// <summary>Whether its control tokens are read.</summary>
    public bool ParseSpecial { get; init; }

    public string? Reasoning { get; init; }

    public IReadOnlyList<ToolCallPart> Calls { get; init; } = [];

    /// <summary>Of a tool's result: the call.</summary>
    public string? CallId { get; init; }

    public string? Name { get; init; }

    /// <summary>The messages of a conversation: each result of a tool is one by itself.</summary>
    /// <exception cref="VaiUsageException">A turn is none, or holds what no model here can read.</exception>
    public static List<ChatMessage> From(IReadOnlyList<ChatTurn> turns)
    {
        OptionCheck.Range(turns.Count, 1, 4096, "The number of turns");
        var messages = new List<ChatMessage>(turns.Count);
        var calls = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (ChatTurn turn in turns)
        {
            if (string.IsNullOrEmpty(turn?.Role) || turn.Content is null || turn.Role.Contains('\0') || !Known(turn.Name)
                || turn.Content.Contains('\0'))
            {
                throw OptionCheck.Invalid("A turn of the conversation has no role or no content, or holds a NUL character. Give both as text.");
            }

            ChatMessage message = Of(turn);
            foreach (ToolCallPart call in message.Calls)
            {
                if (call.Id is not null)
                    calls[call.Id] = call.Name;
            }

            List<ChatMessage> results = [.. (turn.Parts ?? []).OfType<ToolResultPart>().Select(r => Result(r, turn, calls))];

            // Results answer the calls that stand before them: behind those of the same turn, before what else a user says.
            bool saysMore = results.Count == 0 || message.Text.Length > 0 || message.Calls.Count > 0;
            if (saysMore)
                results.Insert(message.Role == Assistant ? 0 : results.Count, message);
            messages.AddRange(results);
        }

        return messages;
    }

    private static ChatMessage Result(ToolResultPart result, ChatTurn turn, Dictionary<string, string> calls) => new()
    {
        Role = Tool,
        Text = result.Content,
        ParseSpecial = turn.ParseSpecial,
        CallId = result.CallId,
        Name = result.Name ?? (result.CallId is { } id ? calls.GetValueOrDefault(id) : null),
    };

    private static ChatMessage Of(ChatTurn turn)
    {
        IReadOnlyList<ChatPart> parts = turn.Parts ?? [];
        if (parts.Any(p => !IsText(p)))
            throw OptionCheck.Invalid("A part of a turn is null, has no text, or holds a NUL character. Give text, which may be empty.");
        if (turn.Parts is not null && turn.Content != ChatPart.TextOf(parts))
            throw OptionCheck.Invalid("A turn has a content that its parts do not say. Give one of the two.");
        if (parts.Any(p => p is ImagePart))
            throw new VaiUsageException(VaiError.NotSupported, "A turn has an image, and no model here can see. Describe it in words.");
        ReasoningPart[] thoughts = [.. parts.OfType<ReasoningPart>()];
        return new ChatMessage
        {
            // OpenAI's newer name of the same.
            Role = turn.Role == "developer" ? System : turn.Role,
            Text = turn.Content,
            ParseSpecial = turn.ParseSpecial,
            Reasoning = thoughts.Length == 0 ? null : string.Concat(thoughts.Select(t => t.Text)),
            Calls = [.. parts.OfType<ToolCallPart>()],
            Name = turn.Name,
        };
    }

    private static bool IsText(ChatPart? part) => part switch
    {
        TextPart text => Given(text.Text),
        ReasoningPart thought => Given(thought.Text),
        ToolCallPart call => Given(call.Name) && Given(call.Arguments) && Known(call.Id),
        ToolResultPart result => Given(result.Content) && Known(result.CallId) && Known(result.Name),
        _ => part is not null,
    };

    private static bool Given(string? text) => text is not null && Known(text);

    private static bool Known(string? text) => text?.Contains('\0') != true;
}
