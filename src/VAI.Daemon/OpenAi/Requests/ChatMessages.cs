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
        var results = new StringBuilder();
        int at = 0;
        foreach (JsonElement message in messages.EnumerateArray())
        {
            Fields fields = request.Inner(message, $"messages[{at++}]");
            if (Message(fields) is { } turn)
            {
                Flush();
                turns.Add(turn);
            }
            else
            {
                ToolTexts.Result(results, Content(fields) ?? throw Fields.Missing(fields.NameOf("content")));
            }

            fields.End();
        }

        Flush();
        return turns;

        // Results of one round of calls are one turn.
        void Flush()
        {
            if (results.Length > 0)
                turns.Add(new ChatTurn("user", results.ToString()));
            results.Clear();
        }
    }

    /// <summary>A turn; null for a tool's result.</summary>
    private static ChatTurn? Message(Fields fields)
    {
        string name = fields.NameOf("role");
        string role = fields.Text("role") ?? throw Fields.Missing(name);
        fields.Text("name");
        if (role is "tool" or "function")
        {
            fields.Text("tool_call_id");
            return null;
        }

        if (role is "assistant")
            return new ChatTurn(role, Assistant(fields));
        if (role is not ("system" or "developer" or "user"))
            throw ApiError.Invalid(name, $"'{name}' must be system, developer, user, assistant or tool.");
        return new ChatTurn(
            role == "user" ? role : "system", Content(fields) ?? throw Fields.Missing(fields.NameOf("content")));
    }

    // An answer may be sent back as it came, whoever gave it: without a text where it called tools, and with thoughts, which are of its own turn.
    private static string Assistant(Fields fields)
    {
        fields.Drop("reasoning_content", "reasoning", "reasoning_details", "thinking_blocks");
        fields.Refuse("audio");
        if (fields.Take("annotations") is { } annotations && !(annotations.ValueKind == JsonValueKind.Array && annotations.GetArrayLength() == 0))
            fields.Drop("annotations");
        var text = new StringBuilder(Content(fields) + fields.Text("refusal"));
        if (fields.Take("tool_calls") is { } calls)
            ToolTexts.Calls(text, fields, calls);
        if (fields.Take("function_call") is { } call)
            ToolTexts.Call(text, fields.Inner(call, fields.NameOf("function_call")));
        return text.ToString();
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
