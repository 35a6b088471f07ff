using System.Globalization;
using System.Numerics;

namespace VAI.Text.Jinja.Values;

/// <summary>Numbers as Python writes and reads them.</summary>
internal static class NumberText
{
    // Python's own bound for integers in text (sys.int_info.default_max_str_digits), in bits.
    private const int MostBits = 14_284;

    /// <summary><c>repr</c> of a float: the shortest digits that give it again, with an exponent below 1e-4 and from 1e16.</summary>
    public static string Write(double value)
    {
        if (double.IsNaN(value))
            return "nan";
        if (double.IsInfinity(value))
            return value > 0 ? "inf" : "-inf";
        if (value == 0)
            return double.IsNegative(value) ? "-0.0" : "0.0";
        (string digits, int exponent) = Shortest(Math.Abs(value));
        string sign = value < 0 ? "-" : "";
        if (exponent is < -4 or >= 16)
        {
            string fraction = digits.Length > 1 ? "." + digits[1..] : "";
            return $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        if (exponent < 0)
            return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        if (digits.Length <= exponent + 1)
            return $"{sign}{digits.PadRight(exponent + 1, '0')}.0";
        return $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }

    /// <summary>An integer; a boolean as 0 or 1.</summary>
    public static string WriteInteger(Value value, Budget budget)
    {
        if (!value.IsBig)
            return value.Int64.ToString(CultureInfo.InvariantCulture);
        CheckBits(value.BigInteger, budget);

        // Digits take a division of what is left, each.
        long words = value.BigInteger.GetBitLength() / 64;
        budget.Spend(words * words / 32);
        return value.BigInteger.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>An integer in a text, as <c>int(text, radix)</c> reads it; missing where it is none.</summary>
    /// <param name="text">It.</param>
    /// <param name="budget">What reading it costs.</param>
    /// <param name="radix">2 to 36, or 0 for what its prefix says; no text is one in any other.</param>
    public static Value ReadInteger(string text, Budget budget, int radix = 10)
    {
        budget.Read(text.Length);
        ReadOnlySpan<char> digits = text.AsSpan().Trim();
        bool negative = digits.StartsWith('-');
        if (negative || digits.StartsWith('+'))
            digits = digits[1..];
        int prefixed = digits.Length > 1 && digits[0] == '0' ? digits[1] switch { 'x' or 'X' => 16, 'o' or 'O' => 8, 'b' or 'B' => 2, _ => 0 } : 0;
        if (prefixed > 0 && (radix == prefixed || radix == 0))
        {
            radix = prefixed;
            digits = digits[2..];
            digits = digits.StartsWith('_') ? digits[1..] : digits;
        }
        else if (radix == 0)
        {
            radix = 10;
            if (digits.StartsWith('0') && digits.ContainsAnyExcept('0', '_'))
                return default;
        }

        if (radix < 0 || digits.Length is 0 or > 4_300 || !AreApart(digits))
            return default;

        // Each digit is a multiplication of what there is.
        budget.Spend((long)digits.Length * digits.Length / 256);
        BigInteger value = 0;
        if (radix == 10 && !digits.ContainsAnyExceptInRange('0', '9'))
        {
            value = BigInteger.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
        }
        else
        {
            foreach (char c in digits)
            {
                int digit = char.IsAsciiLetter(c) ? char.ToLowerInvariant(c) - 'a' + 10 : CharUnicodeInfo.GetDecimalDigitValue(c);
                if (c != '_' && (digit < 0 || digit >= radix))
                    return default;
                value = c == '_' ? value : (value * radix) + digit;
            }
        }

        return negative ? -value : value;
    }

    // Underscores stand one by one between digits.
    private static bool AreApart(ReadOnlySpan<char> digits) =>
        digits.IndexOf("__", StringComparison.Ordinal) < 0 && !digits.StartsWith('_') && !digits.EndsWith('_');

    /// <summary>A number in a text, as <c>float(text)</c> reads it; missing where it is none, or longer than any that is.</summary>
    public static Value ReadFloat(string text, Budget budget)
    {
        budget.Read(text.Length);
        ReadOnlySpan<char> trimmed = text.AsSpan().Trim();
        if (trimmed.Length >= 1_000)
            return default;
        string number = trimmed.ToString();
        switch (number.TrimStart('+', '-').ToUpperInvariant())
        {
            case "INF" or "INFINITY":
                return number[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            case "NAN":
                return double.NaN;
        }

        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        if (number.Contains('_') && !number.Split('.', 'e', 'E', '+', '-').All(p => AreApart(p)))
            return default;
        return double.TryParse(number.Replace("_", "", StringComparison.Ordinal), Style, CultureInfo.InvariantCulture, out double value)
            ? value : default(Value);
    }

    /// <summary>Refuses an integer that takes long to write or to multiply.</summary>
    public static void CheckBits(BigInteger value, Budget budget)
    {
        if (value.GetBitLength() > MostBits)
            throw budget.Error("an integer has more than 4300 digits");
    }

    // Digits without zeros around them, of which the first has ten to the exponent.
    private static (string Digits, int Exponent) Shortest(double value)
    {
        string round = value.ToString("R", CultureInfo.InvariantCulture);
        int power = round.IndexOf('E');
        int exponent = power < 0 ? 0 : int.Parse(round.AsSpan(power + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string mantissa = power < 0 ? round : round[..power];
        int dot = mantissa.IndexOf('.');
        exponent += (dot < 0 ? mantissa.Length : dot) - 1;
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        string significant = digits.TrimStart('0');
        return (significant.TrimEnd('0'), exponent - (digits.Length - significant.Length));
    }
}
