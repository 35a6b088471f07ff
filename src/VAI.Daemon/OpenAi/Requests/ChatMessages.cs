using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace VAI.Daemon.OpenAi.Requests;

/// <summary>The messages of a chat, as turns of a conversation.</summary>
internal static class ChatMessages
{
    private const int MaxTurns = 4096;

    /// <exception cref="ApiError">400, naming the place.</exception>
    public static IReadOnlyList<ChatTurn> Read(Fields request, JsonElement messages)
    {
        if (messages.ValueKind != JsonValueKind.Array)
            throw Fields.WrongType("messages", "an array", messages);
        int count = messages.GetArrayLength();
        if (count is 0 or > MaxTurns)
            throw ApiError.Invalid("messages", $"'messages' has {count} messages; it must have 1 to {MaxTurns}.");
        var turns = new List<ChatTurn>(count);
        int at = 0;
        foreach (JsonElement message in messages.EnumerateArray())
        {
            Fields fields = request.Inner(message, $"messages[{at++}]");
            turns.Add(Message(fields));
            fields.End();
        }

        return turns;
    }

    private static ChatTurn Message(Fields fields)
    {
        string place = fields.NameOf("role");
        string role = fields.Text("role") ?? throw Fields.Missing(place);
        string? name = fields.Text("name");
        switch (role)
        {
            case "tool" or "function":
                return new ChatTurn("tool", [new ToolResultPart(Needed(fields), fields.Text("tool_call_id"), name)]);
            case "assistant":
                return Assistant(fields) with { Name = name };
            case "system" or "developer" or "user":
                return new ChatTurn(role, Needed(fields)) { Name = name };
            default:
                throw ApiError.Invalid(place, $"'{place}' must be system, developer, user, assistant or tool.");
        }
    }

    private static string Needed(Fields fields) => Content(fields) ?? throw Fields.Missing(fields.NameOf("content"));

    // An answer may be sent back as it came, whoever gave it: without a text where it called tools, and with what it thought.
    private static ChatTurn Assistant(Fields fields)
    {
        fields.Drop("reasoning_details", "thinking_blocks");
        fields.Refuse("audio");
        if (fields.Take("annotations") is { } annotations && !(annotations.ValueKind == JsonValueKind.Array && annotations.GetArrayLength() == 0))
            fields.Drop("annotations");
        var parts = new List<ChatPart>();
        if (fields.Text(fields.FirstOf("reasoning_content", "reasoning")) is { Length: > 0 } thought)
            parts.Add(new ReasoningPart(thought));
        parts.Add(new TextPart(Content(fields) + fields.Text("refusal")));
        if (fields.Take("tool_calls") is { } calls)
            ToolCalls.Read(parts, fields, calls);
        if (fields.Take("function_call") is { } call)
            parts.Add(ToolCalls.Read(fields.Inner(call, fields.NameOf("function_call")), null));
        return parts is [TextPart only] ? new ChatTurn("assistant", only.Text) : new ChatTurn("assistant", parts);
    }

    private static string? Content(Fields message)
    {
        if (message.Take("content") is not { } content)
            return null;
        string name = message.NameOf("content");
        if (content.ValueKind == JsonValueKind.String)
            return content.GetString()!;
        if (content.ValueKind != JsonValueKind.Array)
            throw Fields.WrongType(name, "a string or an array of parts", content);
        var text = new StringBuilder();
        int at = 0;
        foreach (JsonElement element in content.EnumerateArray())
        {
            Fields part = message.Inner(element, $"{name}[{at++}]");
            string type = part.Text("type") ?? throw Fields.Missing(part.NameOf("type"));
            if (type is not ("text" or "refusal"))
            {
                throw new ApiError(
                    StatusCodes.Status400BadRequest, "unsupported_content", $"'{part.NameOf("type")}' must be text: models here read nothing else.",
                    part.NameOf("type"));
            }

            text.Append(part.Text(type) ?? throw Fields.Missing(part.NameOf(type)));
            part.End();
        }

        return text.ToString();
    }
}
