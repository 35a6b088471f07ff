using System.Text.Json;

namespace VAI.Text.Constraints.Schemas;

/// <summary>What several schemas say of one value, one of their alternatives each: keywords that stand for themselves.</summary>
internal sealed class Facts
{
    public JsonTypes Types { get; set; } = JsonTypes.All;

    /// <summary>The values that it is one of; null for any.</summary>
    public List<JsonElement>? Values { get; set; }

    /// <summary>Schemas with keywords of numbers, strings, arrays or objects.</summary>
    public List<SchemaItem> Schemas { get; init; } = [];

    public Facts Copy() => new() { Types = Types, Values = Values is null ? null : [.. Values], Schemas = [.. Schemas] };
}
