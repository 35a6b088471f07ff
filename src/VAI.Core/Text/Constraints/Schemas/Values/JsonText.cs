using System.Text;
using System.Text.Json;

namespace VAI.Text.Constraints.Schemas;

/// <summary>JSON values as text: without spaces, and numbers as they are written here.</summary>
internal static class JsonText
{
    public static string Write(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Number)
            return Decimal.TryRead(value.GetRawText(), out Decimal number) ? number.ToString() : value.GetRawText();
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { SkipValidation = true }))
            Write(json, value);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void Write(Utf8JsonWriter json, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Number when Decimal.TryRead(value.GetRawText(), out Decimal number):
                json.WriteRawValue(number.ToString(), skipInputValidation: true);
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (JsonElement item in value.EnumerateArray())
                    Write(json, item);
                json.WriteEndArray();
                break;
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (JsonProperty member in value.EnumerateObject())
                {
                    json.WritePropertyName(member.Name);
                    Write(json, member.Value);
                }

                json.WriteEndObject();
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }
}
