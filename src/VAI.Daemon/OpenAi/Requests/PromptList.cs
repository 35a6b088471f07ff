using System.Text.Json;
using VAI.Daemon.OpenAi.Responses;

namespace VAI.Daemon.OpenAi.Requests;

/// <summary>A text, several, the tokens of one, or those of several: what <c>prompt</c> and <c>input</c> may be.</summary>
internal static class PromptList
{
    /// <exception cref="ApiError">400: it is none of those, is empty, or has too many.</exception>
    public static Prompt[] Read(JsonElement value, string name, int most)
    {
        Prompt[] prompts = value.ValueKind switch
        {
            JsonValueKind.String => [One(value, name)],
            JsonValueKind.Array when value.GetArrayLength() > 0 && value[0].ValueKind == JsonValueKind.Number => [One(value, name)],
            JsonValueKind.Array when value.GetArrayLength() > most =>
                throw ApiError.Invalid(name, $"'{name}' has {value.GetArrayLength()} members; at most {most} are taken."),
            JsonValueKind.Array => [.. value.EnumerateArray().Select((p, i) => One(p, $"{name}[{i}]"))],
            _ => throw Fields.WrongType(name, "a string, an array of strings, or tokens", value),
        };
        return prompts.Length > 0 ? prompts : throw ApiError.Invalid(name, $"'{name}' is empty.");
    }

    private static Prompt One(JsonElement value, string name)
    {
        if (value.ValueKind == JsonValueKind.String)
            return value.ValueEquals(""u8) ? throw ApiError.Invalid(name, $"'{name}' is empty.") : new Prompt(value.GetString(), null);
        if (value.ValueKind != JsonValueKind.Array)
            throw Fields.WrongType(name, "a string or an array of token ids", value);
        int[] tokens = new int[value.GetArrayLength()];
        int at = 0;
        foreach (JsonElement token in value.EnumerateArray())
        {
            if (token.ValueKind != JsonValueKind.Number || !token.TryGetInt32(out tokens[at]) || tokens[at++] < 0)
                throw ApiError.Invalid(name, $"'{name}' holds something that is no token id. Ids are whole numbers from 0.");
        }

        return at > 0 ? new Prompt(null, tokens) : throw ApiError.Invalid(name, $"'{name}' is empty.");
    }
}
