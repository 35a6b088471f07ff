using System.Text.Json;

namespace VAI.Text.Constraints.Schemas;

/// <summary>JSON values as JSON Schema compares them: numbers by what they are, objects in any order.</summary>
internal static class JsonValue
{
    public static bool AreEqual(JsonElement left, JsonElement right)
    {
        try
        {
            return JsonElement.DeepEquals(left, right);
        }
        catch (ArgumentOutOfRangeException)
        {
            // An exponent of more than 31 bits: such a number is the same as it is written.
            return left.GetRawText() == right.GetRawText();
        }
    }

    public static JsonTypes TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => JsonTypes.Null,
        JsonValueKind.True or JsonValueKind.False => JsonTypes.Boolean,
        JsonValueKind.Number => Decimal.TryRead(value.GetRawText(), out Decimal number) && number.IsInteger ? JsonTypes.Integer : JsonTypes.Fraction,
        JsonValueKind.String => JsonTypes.String,
        JsonValueKind.Array => JsonTypes.Array,
        _ => JsonTypes.Object,
    };
}
