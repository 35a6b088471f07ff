using System.Text.Json.Serialization;

namespace VAI.Text.Constraints.Schemas;

/// <summary>What is written of JSON, without reflection.</summary>
[JsonSerializable(typeof(string))]
internal sealed partial class SchemaJson : JsonSerializerContext;
