using System.Text.Json;
using System.Text.Json.Serialization;
using VAI.Text.Tools.Formats;

namespace VAI.Text.Tools;

/// <summary>What calls an answer may have, as a constraint has it in its text.</summary>
/// <param name="Format">How they are written.</param>
/// <param name="Tools">Those that may be called.</param>
/// <param name="Choice">Whether one must be.</param>
/// <param name="Parallel">Whether there may be several.</param>
/// <param name="Schema">What an answer must be that calls none: a JSON schema; null for any text.</param>
internal sealed record ToolRequest(ToolFormat Format, IReadOnlyList<Tool> Tools, ToolChoice Choice, bool Parallel, string? Schema)
{
    /// <summary>Whether there may be calls.</summary>
    [JsonIgnore]
    public bool MayCall => Choice != ToolChoice.None && Tools.Count > 0;

    /// <summary>Whether nothing is missing: it may have come from anywhere.</summary>
    [JsonIgnore]
    public bool IsWhole => Format is { IsWhole: true } && Tools is not null && Tools.All(t => t is { Name: not null, Parameters: not null });

    public static ToolRequest Read(string text) => JsonSerializer.Deserialize(text, ToolJson.Default.ToolRequest)!;

    public string Write() => JsonSerializer.Serialize(this, ToolJson.Default.ToolRequest);
}

/// <summary>A tool.</summary>
/// <param name="Name">By which it is called.</param>
/// <param name="Parameters">What its arguments must be: a JSON schema.</param>
/// <param name="Strict">Whether what of the schema cannot be held is an error; else any object is taken then.</param>
internal sealed record Tool(string Name, string Parameters, bool Strict);

[JsonSerializable(typeof(ToolRequest))]
internal sealed partial class ToolJson : JsonSerializerContext;
