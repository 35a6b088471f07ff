using System.Buffers;
using System.Text;
using System.Text.Json;

namespace VAI.Text.Tools;

/// <summary>What can be held of the schema of a tool that is not strict: of an argument that cannot, its type alone.</summary>
internal static class LooseTool
{
    // Each argument is tried by itself.
    private const int MostArguments = 64;

    private static readonly string[] Shared = ["$defs", "definitions"];

    /// <summary>The schema that is left; null where it has no arguments to tell apart.</summary>
    /// <param name="parameters">The tool's schema.</param>
    /// <param name="holds">Whether a schema can be held.</param>
    public static string? Of(string parameters, Func<string, bool> holds)
    {
        try
        {
            using var document = JsonDocument.Parse(parameters);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("properties", out JsonElement properties)
                && properties.ValueKind == JsonValueKind.Object && properties.GetPropertyCount() is > 0 and <= MostArguments
                ? Of(document.RootElement, properties, holds) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Of(JsonElement root, JsonElement properties, Func<string, bool> holds)
    {
        var kept = new List<(string Name, string Schema)>();
        foreach (JsonProperty property in properties.EnumerateObject())
        {
            string? own = ((string?[])[property.Value.GetRawText(), TypeOf(property.Value)]).FirstOrDefault(s => s is not null && holds(Object(root, [(property.Name, s)], whole: false)));
            kept.Add((property.Name, own ?? "true"));
        }

        return Object(root, kept, whole: true);
    }

    private static string? TypeOf(JsonElement schema) =>
        schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("type", out JsonElement type) ? $"{{\"type\":{type.GetRawText()}}}" : null;

    private static string Object(JsonElement root, IReadOnlyList<(string Name, string Schema)> properties, bool whole)
    {
        var text = new ArrayBufferWriter<byte>();
        using (var w = new Utf8JsonWriter(text))
        {
            w.WriteStartObject();
            w.WriteString("type"u8, "object"u8);
            w.WriteStartObject("properties"u8);
            foreach ((string name, string schema) in properties)
            {
                w.WritePropertyName(name);
                w.WriteRawValue(schema);
            }

            w.WriteEndObject();
            foreach (string keyword in Shared)
                Keep(keyword, JsonValueKind.Object);
            if (whole)
            {
                Keep("required", JsonValueKind.Array);
                Keep("additionalProperties", JsonValueKind.True);
                Keep("additionalProperties", JsonValueKind.False);
            }

            w.WriteEndObject();

            void Keep(string keyword, JsonValueKind kind)
            {
                if (!root.TryGetProperty(keyword, out JsonElement value) || value.ValueKind != kind)
                    return;
                w.WritePropertyName(keyword);
                value.WriteTo(w);
            }
        }

        return Encoding.UTF8.GetString(text.WrittenSpan);
    }
}
