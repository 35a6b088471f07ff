using System.Text.Json;

namespace VAI.Text.Constraints.Schemas;

/// <summary>What a value is that a schema does not fit, as far as schemas can say it.</summary>
internal static class Negation
{
    private static readonly string[] Types = ["null", "boolean", "number", "string", "array", "object"];

    /// <returns>Choices, of each of which one holds; one without anything where nothing fits.</returns>
    /// <exception cref="SchemaError">It cannot be said.</exception>
    public static IReadOnlyList<Choice> Of(SchemaDocument document, SchemaItem item)
    {
        if (item.Element.ValueKind == JsonValueKind.True)
            return [new Choice([])];
        if (item.Element.ValueKind == JsonValueKind.False)
            return [];
        JsonProperty[] keywords = item.Element.ValueKind == JsonValueKind.Object ? [.. item.Element.EnumerateObject().Where(k => !IsNote(k.Name))] : [];
        if (keywords.Length == 0)
            return [new Choice([])];

        // Not all of several: not one of them.
        if (keywords.Length > 1 && keywords.All(k => k.Name is "type" or "required" or "properties" or "const" or "enum"))
            return [new Choice([.. keywords.SelectMany(k => One(document, item, k).SelectMany(c => c.Ways))])];
        return keywords.Length == 1 ? One(document, item, keywords[0]) : throw Cannot(item);
    }

    private static IReadOnlyList<Choice> One(SchemaDocument document, SchemaItem item, JsonProperty keyword)
    {
        switch (keyword.Name)
        {
            case "not":
                return [new Choice([[document.Inner(item, "not")]])];
            case "anyOf":
                return [.. Enumerable.Range(0, keyword.Value.GetArrayLength()).SelectMany(i => Of(document, document.Inner(item, "anyOf", $"{i}")))];
            case "type":
                JsonTypes types = keyword.Value.ValueKind == JsonValueKind.Array
                    ? keyword.Value.EnumerateArray().Aggregate(JsonTypes.None, (all, t) => all | Expansion.TypeOf(t, item.Pointer)) : Expansion.TypeOf(keyword.Value, item.Pointer);
                if ((types & JsonTypes.Number) == JsonTypes.Integer)
                    throw Cannot(item);
                string others = string.Join(',', Types.Where(t => (types & Expansion.TypeOf(JsonSerializer.SerializeToElement(t, SchemaJson.Default.String), "")) == 0).Select(t => $"\"{t}\""));
                return [others.Length == 0 ? new Choice([]) : new Choice([[document.Made(item, "type", $$"""{"type":[{{others}}]}""")]])];
            case "required":
                // An object that lacks one of them.
                return [new Choice([.. keyword.Value.EnumerateArray().Select(n => (IReadOnlyList<SchemaItem>)
                    [document.Made(item, "required", "{\"type\":\"object\",\"properties\":{" + n.GetRawText() + ":false}}")])])];
            case "properties":
                // An object that has one of them with a value that does not fit.
                var choices = new List<IReadOnlyList<SchemaItem>>();
                foreach (JsonProperty property in keyword.Value.EnumerateObject())
                {
                    string name = JsonSerializer.Serialize(property.Name, SchemaJson.Default.String);
                    choices.Add([document.Made(item, "properties", "{\"type\":\"object\",\"required\":[" + name + "],\"properties\":{" + name + ":{\"not\":" + property.Value.GetRawText() + "}}}")]);
                }

                return [new Choice(choices)];
            default:
                throw Cannot(item);
        }
    }

    private static SchemaError Cannot(SchemaItem item) => new(item.Pointer, "what does not fit this schema cannot be held");

    private static bool IsNote(string keyword) => keyword is "title" or "description" or "$comment" or "default" or "examples" or "$schema" or "deprecated";
}
