using System.Globalization;
using System.Numerics;

namespace VAI.Text.Constraints.Schemas;

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
        if (IsInteger)
            return Digits.ToString(CultureInfo.InvariantCulture);
        (string whole, string part) = Parts;
        return $"{(IsNegative ? "-" : "")}{whole}{(part.Length > 0 ? "." : "")}{part}";
    }

    /// <summary>Reads a number of JSON. False where it has more digits than anybody needs.</summary>
    public static bool TryRead(string text, out Decimal number)
    {
        if (TryReadShort(text, out number))
            return true;
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

    // Nearly all are, and there may be 100,000.
    private static bool TryReadShort(ReadOnlySpan<char> text, out Decimal number)
    {
        number = default;
        long digits = 0;
        int fraction = -1, first = text.StartsWith('-') ? 1 : 0;
        if (text.Length == first || text.Length > 18)
            return false;
        foreach (char c in text[first..])
        {
            if (c == '.' && fraction < 0)
                fraction = 0;
            else if (!char.IsAsciiDigit(c))
                return false;
            else
                (digits, fraction) = ((digits * 10) + c - '0', fraction < 0 ? fraction : fraction + 1);
        }

        while (fraction > 0 && digits % 10 == 0)
            (digits, fraction) = (digits / 10, fraction - 1);
        number = new Decimal(first == 0 ? digits : -digits, Math.Max(0, fraction));
        return true;
    }
}
