using System.Globalization;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Formats;

/// <summary>Floats of zero or more with a given number of digits, as Python's formats write them.</summary>
internal static class FloatText
{
    /// <summary>Writes one.</summary>
    /// <param name="size">At least zero.</param>
    /// <param name="type"><c>e f g %</c>, or <c>r</c> for the shortest, which is <c>g</c> with a fraction where a precision is given.</param>
    /// <param name="precision">Null for that of the type.</param>
    /// <param name="alternate">Whether the dot stays without digits behind it, and zeros at the end.</param>
    public static string Write(double size, char type, int? precision, bool alternate)
    {
        bool upper = type is 'E' or 'F' or 'G';
        if (!double.IsFinite(size))
            return (upper ? NumberText.Write(size).ToUpperInvariant() : NumberText.Write(size)) + (type == '%' ? "%" : "");
        int digits = precision ?? 6;
        string text = char.ToLowerInvariant(type) switch
        {
            'e' => Exponent(size.ToString($"E{digits}", CultureInfo.InvariantCulture), alternate),
            'g' or 'n' => General(size, Math.Max(1, digits), alternate, fraction: false),
            '%' => Dotted((size * 100).ToString($"F{digits}", CultureInfo.InvariantCulture), alternate) + "%",
            'r' => precision is null ? NumberText.Write(size) : General(size, Math.Max(1, digits), alternate, fraction: true),
            _ => Dotted(size.ToString($"F{digits}", CultureInfo.InvariantCulture), alternate),
        };
        return upper ? text.ToUpperInvariant() : text;
    }

    private static string Dotted(string digits, bool always) => always && !digits.Contains('.', StringComparison.Ordinal) ? digits + "." : digits;

    private static string Exponent(string text, bool alternate)
    {
        int at = text.IndexOf('E', StringComparison.Ordinal);
        int exponent = int.Parse(text.AsSpan(at + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return $"{Dotted(text[..at], alternate)}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }

    private static string General(double value, int precision, bool alternate, bool fraction)
    {
        string scientific = value.ToString($"E{precision - 1}", CultureInfo.InvariantCulture);
        int at = scientific.IndexOf('E', StringComparison.Ordinal);
        int exponent = int.Parse(scientific.AsSpan(at + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (exponent < -4 || exponent >= precision - (fraction ? 1 : 0))
            return Exponent((alternate ? scientific[..at] : Shortened(scientific[..at])) + scientific[at..], alternate);
        string digits = value.ToString($"F{Math.Max(0, precision - 1 - exponent)}", CultureInfo.InvariantCulture);
        digits = alternate ? Dotted(digits, always: true) : Shortened(digits);
        return fraction && !digits.Contains('.', StringComparison.Ordinal) ? digits + ".0" : digits;
    }

    private static string Shortened(string digits) => digits.Contains('.', StringComparison.Ordinal) ? digits.TrimEnd('0').TrimEnd('.') : digits;
}
