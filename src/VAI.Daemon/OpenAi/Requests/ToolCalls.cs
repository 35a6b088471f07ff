using System.Text.Json;

namespace VAI.Daemon.OpenAi.Requests;

/// <summary>Calls of tools in a history.</summary>
internal static class ToolCalls
{
    private const int MaxCalls = 128;

    /// <summary>Takes an assistant's calls.</summary>
    /// <exception cref="ApiError">400, naming the place.</exception>
    public static void Read(List<ChatPart> parts, Fields message, JsonElement calls)
    {
        string name = message.NameOf("tool_calls");
        if (calls.ValueKind != JsonValueKind.Array)
            throw Fields.WrongType(name, "an array", calls);
        if (calls.GetArrayLength() > MaxCalls)
            throw ApiError.Invalid(name, $"'{name}' has {calls.GetArrayLength()} calls; at most {MaxCalls} are taken.");
        int at = 0;
        foreach (JsonElement element in calls.EnumerateArray())
        {
            Fields call = message.Inner(element, $"{name}[{at++}]");
            string? id = call.Text("id");
            call.Take("index");
            if (call.Text("type") is not (null or "function"))
                throw Fields.Unsupported(call.NameOf("type"), $"'{call.NameOf("type")}' must be function: other tools are not known here.");
            parts.Add(Read(call.Inner(call.Take("function") ?? throw Fields.Missing(call.NameOf("function")), call.NameOf("function")), id));
            call.End();
        }
    }

    /// <summary>Takes one call: a name, and arguments that are a text of JSON.</summary>
    /// <exception cref="ApiError">400, naming the place.</exception>
    public static ToolCallPart Read(Fields function, string? id)
    {
        string name = function.Text("name") ?? throw Fields.Missing(function.NameOf("name"));
        string arguments = function.Text("arguments") is { Length: > 0 } given ? given : "{}";
        function.End();
        return new ToolCallPart(name, arguments, id);
    }
}
