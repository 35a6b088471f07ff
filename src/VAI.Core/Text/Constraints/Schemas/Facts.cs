using System.Text.Json;

namespace VAI.Text.Constraints.Schemas;

/// <summary>What several schemas say of one value, one of their alternatives each: keywords that stand for themselves.</summary>
internal sealed class Facts
{
    private HashSet<string>? _required;
    private Dictionary<string, IReadOnlyList<JsonElement>?>? _constants;

    public JsonTypes Types { get; set; } = JsonTypes.All;

    /// <summary>The values that it is one of; null for any.</summary>
    public IReadOnlyList<JsonElement>? Values { get; set; }

    /// <summary>Schemas with keywords of numbers, strings, arrays or objects.</summary>
    public List<SchemaItem> Schemas { get; init; } = [];

    /// <summary>Names that an object must have.</summary>
    public HashSet<string> Required => _required ??= [.. Schemas.SelectMany(s => s.Find("required") is { ValueKind: JsonValueKind.Array } names ? names.EnumerateArray().Select(n => n.GetString()!) : [])];

    /// <summary>The constants that a member may have; none where it may not be; null where it may have others. The schemas are all there.</summary>
    public IReadOnlyList<JsonElement>? Constants(string name)
    {
        _constants ??= new(StringComparer.Ordinal);
        if (!_constants.TryGetValue(name, out IReadOnlyList<JsonElement>? known))
            _constants[name] = known = FindConstants(name);
        return known;
    }

    public Facts Copy() => new() { Types = Types, Values = Values, Schemas = [.. Schemas] };

    private IReadOnlyList<JsonElement>? FindConstants(string name)
    {
        foreach (SchemaItem schema in Schemas)
        {
            if (schema.Property(name) is { } value)
            {
                if (value.ValueKind == JsonValueKind.False)
                    return [];
                if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("const", out JsonElement constant))
                    return [constant];
                if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("enum", out JsonElement several) && several.ValueKind == JsonValueKind.Array)
                    return [.. several.EnumerateArray()];
            }
            else if (schema.Find("additionalProperties") is { ValueKind: JsonValueKind.False } && schema.Find("patternProperties") is null)
            {
                return [];
            }
        }

        return null;
    }
}
