using System.Text.Json;
using VAI.OptionRules;

namespace VAI.Text.Tools;

/// <summary>Tools as OpenAI's API has them.</summary>
internal static class ToolDefinitions
{
    private const int MostNameChars = 128;
    private const string NoParameters = """{"type":"object","properties":{}}""";

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: it is none.</exception>
    public static Tool Read(JsonElement tool)
    {
        JsonElement function = tool.ValueKind == JsonValueKind.Object && tool.TryGetProperty("function", out JsonElement inner) ? inner : tool;
        if (function.ValueKind != JsonValueKind.Object || !function.TryGetProperty("name", out JsonElement name) || name.ValueKind != JsonValueKind.String
            || name.GetString() is not { Length: > 0 and <= MostNameChars } known || !known.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.'))
        {
            throw OptionCheck.Invalid($"A tool has no name of 1 to {MostNameChars} letters, digits, dots, dashes and underscores.");
        }

        bool strict = function.TryGetProperty("strict", out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
        return new Tool(known, function.TryGetProperty("parameters", out JsonElement parameters) && parameters.ValueKind == JsonValueKind.Object
            ? parameters.GetRawText() : NoParameters, strict);
    }
}
