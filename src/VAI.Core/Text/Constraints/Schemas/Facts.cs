using System.Text.Json;

namespace VAI.Text.Constraints.Schemas;

/// <summary>What several schemas say of one value, one of their alternatives each: keywords that stand for themselves.</summary>
internal sealed class Facts
{
    private HashSet<string>? _required;

    public JsonTypes Types { get; set; } = JsonTypes.All;

    /// <summary>The values that it is one of; null for any.</summary>
    public IReadOnlyList<JsonElement>? Values { get; set; }

    /// <summary>Schemas with keywords of numbers, strings, arrays or objects.</summary>
    public List<SchemaItem> Schemas { get; init; } = [];

    /// <summary>Names that an object must have.</summary>
    public HashSet<string> Required => _required ??= [.. Schemas.SelectMany(s => s.Find("required") is { ValueKind: JsonValueKind.Array } names ? names.EnumerateArray().Select(n => n.GetString()!) : [])];

    public Facts Copy() => new() { Types = Types, Values = Values, Schemas = [.. Schemas] };
}
