using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace VAI.Daemon.OpenAi.Requests;

/// <summary>
/// Calls of tools and their results in a history, as text: the templates that are built in know no such roles. The form is that of Hermes, which
/// Qwen's and others' own templates write: a call in the assistant's turn, a result in a user's.
/// </summary>
internal static class ToolTexts
{
    private const int MaxCalls = 128;
    private const int MaxDepth = 32;

    /// <summary>Appends an assistant's calls to what it said.</summary>
    /// <exception cref="ApiError">400, naming the place.</exception>
    public static void Calls(StringBuilder text, Fields message, JsonElement calls)
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
            call.Text("id");
            call.Take("index");
            if (call.Text("type") is not (null or "function"))
                throw Fields.Unsupported(call.NameOf("type"), $"'{call.NameOf("type")}' must be function: other tools are not known here.");
            Call(text, call.Inner(call.Take("function") ?? throw Fields.Missing(call.NameOf("function")), call.NameOf("function")));
            call.End();
        }
    }

    /// <summary>Appends one call: a name, and arguments that are a text of JSON.</summary>
    /// <exception cref="ApiError">400, naming the place.</exception>
    public static void Call(StringBuilder text, Fields function)
    {
        string name = function.Text("name") ?? throw Fields.Missing(function.NameOf("name"));
        string arguments = function.Text("arguments") ?? "{}";
        function.End();
        if (text.Length > 0)
            text.Append('\n');
        text.Append("<tool_call>\n{\"name\": ").Append(Quoted(name)).Append(", \"arguments\": ")
            .Append(IsJson(arguments) ? arguments.Trim() : Quoted(arguments)).Append("}\n</tool_call>");
    }

    /// <summary>Appends a result to those before it.</summary>
    public static void Result(StringBuilder text, string result)
    {
        if (text.Length > 0)
            text.Append('\n');
        text.Append("<tool_response>\n").Append(result).Append("\n</tool_response>");
    }

    private static string Quoted(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    // A model may have written anything.
    private static bool IsJson(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = MaxDepth });
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
