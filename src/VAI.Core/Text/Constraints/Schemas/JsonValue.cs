using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace VAI.Text.Constraints.Schemas;

/// <summary>JSON values as JSON Schema compares them: numbers by what they are, objects in any order.</summary>
internal static class JsonValue
{
    public static bool AreEqual(JsonElement left, JsonElement right)
    {
        if (left.ValueKind == JsonValueKind.Number && right.ValueKind == JsonValueKind.Number)
            return Decimal.TryRead(left.GetRawText(), out Decimal x) && Decimal.TryRead(right.GetRawText(), out Decimal y) ? x == y : left.GetRawText() == right.GetRawText();
        return JsonElement.DeepEquals(left, right);
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

/// <summary>A decimal number of any length: an integer and how many of its digits stand behind the point, without zeros at the end.</summary>
internal readonly record struct Decimal(BigInteger Digits, int Fraction)
{
    private const int MostDigits = 400;

    public bool IsInteger => Fraction == 0;

    public bool IsNegative => Digits.Sign < 0;

    /// <summary>The digits before the point and those behind it, without a sign.</summary>
    public (string Whole, string Part) Parts
    {
        get
        {
            string all = BigInteger.Abs(Digits).ToString(CultureInfo.InvariantCulture).PadLeft(Fraction + 1, '0');
            return (all[..^Fraction], all[^Fraction..]);
        }
    }

    /// <summary>As JSON, without an exponent.</summary>
    public override string ToString()
    {
        (string whole, string part) = Parts;
        return $"{(IsNegative ? "-" : "")}{whole}{(part.Length > 0 ? "." : "")}{part}";
    }

    /// <summary>Reads a number of JSON. False where it has more digits than anybody needs.</summary>
    public static bool TryRead(string text, out Decimal number)
    {
        number = default;
        int exponentAt = text.IndexOfAny(['e', 'E']), exponent = 0;
        if (exponentAt >= 0 && (!int.TryParse(text.AsSpan(exponentAt + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent) || exponent is < -MostDigits or > MostDigits))
            return false;
        string plain = exponentAt >= 0 ? text[..exponentAt] : text;
        int point = plain.IndexOf('.', StringComparison.Ordinal), fraction = point < 0 ? 0 : plain.Length - point - 1;
        if (plain.Length > MostDigits || !BigInteger.TryParse(plain.Replace(".", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger digits))
            return false;
        fraction -= exponent;
        while (fraction > 0 && digits % 10 == 0)
        {
            digits /= 10;
            fraction--;
        }

        if (fraction < 0)
            (digits, fraction) = (digits * BigInteger.Pow(10, -fraction), 0);
        number = new Decimal(digits, digits.IsZero ? 0 : fraction);
        return true;
    }
}
