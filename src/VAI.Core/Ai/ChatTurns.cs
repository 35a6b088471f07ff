using System.Text.Json;
using Microsoft.Extensions.AI;
using VAI.OptionRules;

namespace VAI.Ai;

/// <summary>Messages of Microsoft.Extensions.AI as turns, with all that they hold.</summary>
internal static class ChatTurns
{
    /// <exception cref="VaiUsageException">It has a role or a content that no model here can read.</exception>
    public static ChatTurn From(ChatMessage? message)
    {
        if (message is null)
            throw OptionCheck.Invalid("A message of the conversation is null. Leave it out.");
        string role = message.Role.Value switch
        {
            "system" or "developer" => "system",
            "user" => "user",
            "assistant" => "assistant",
            "tool" => "tool",
            var other => throw Provider.Refused($"A message of the role '{other}'", "The roles are system, user, assistant and tool."),
        };
        var parts = new List<ChatPart>(message.Contents.Count);
        foreach (AIContent content in message.Contents)
        {
            if (Part(content) is { } part)
                parts.Add(part);
        }

        string? name = role == "tool" || string.IsNullOrEmpty(message.AuthorName) ? null : message.AuthorName;
        return (parts.TrueForAll(p => p is TextPart) ? new ChatTurn(role, message.Text) : new ChatTurn(role, parts)) with { Name = name };
    }

    private static ChatPart? Part(AIContent? content) => content switch
    {
        TextContent text => new TextPart(text.Text),
        TextReasoningContent thought => new ReasoningPart(thought.Text),
        FunctionCallContent call => new ToolCallPart(call.Name, Arguments(call), call.CallId),
        FunctionResultContent result => new ToolResultPart(Result(result), result.CallId),
        UsageContent => null,
        null => throw OptionCheck.Invalid("A message of the conversation has a content that is null. Leave it out."),
        _ => throw Provider.Refused($"A message with {content.GetType().Name}", "Models here read text alone."),
    };

    /// <summary>A call's arguments by their names.</summary>
    public static Dictionary<string, object?> Arguments(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 1_000 });
        return document.RootElement.EnumerateObject().ToDictionary(m => m.Name, m => (object?)m.Value.Clone(), StringComparer.Ordinal);
    }

    private static string Arguments(FunctionCallContent call)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            foreach ((string name, object? value) in call.Arguments ?? new Dictionary<string, object?>())
            {
                json.WritePropertyName(name);
                Json($"Argument '{name}' of the call of '{call.Name}'", () => Write(json, value));
            }

            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    private static string Result(FunctionResultContent result) => result.Result switch
    {
        null => result.Exception?.Message ?? "",
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } json => json.GetString()!,
        { } value => Json(
            $"The result of the call '{result.CallId}'", () => JsonSerializer.Serialize(value, AIJsonUtilities.DefaultOptions.GetTypeInfo(value.GetType()))),
    };

    // As System.Text.Json says that a value has no JSON: a type that it does not know, NaN, a cycle, an element of nothing.
    private static T Json<T>(string what, Func<T> write)
    {
        try
        {
            return write();
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException or InvalidOperationException)
        {
            throw new VaiUsageException(VaiError.InvalidOption, $"{what} cannot be written as JSON: {e.Message}", e);
        }
    }

    private static void Json(string what, Action write) => Json<object?>(what, () =>
    {
        write();
        return null;
    });

    private static void Write(Utf8JsonWriter json, object? value)
    {
        if (value is null)
            json.WriteNullValue();
        else
            JsonSerializer.Serialize(json, value, AIJsonUtilities.DefaultOptions.GetTypeInfo(value.GetType()));
    }
}
