using System.Globalization;
using System.Numerics;
using System.Text;
using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins;

/// <summary>How a value is written in a format: Python's <c>[[fill]align][sign][#][0][width][,][.precision][type]</c>.</summary>
internal struct FormatSpec
{
    private const string Types = "bcdeEfFgGnosxX%";

    public FormatSpec()
    {
    }

    public string Fill { get; set; } = " ";

    public char Align { get; set; }

    public char Sign { get; set; } = '-';

    public bool Alternate { get; set; }

    public bool Zero { get; set; }

    public bool Left { get; set; }

    public int Width { get; set; }

    public char Grouping { get; set; }

    public int? Precision { get; set; }

    public char Type { get; set; }

    public static FormatSpec Parse(Rendering run, string text)
    {
        var spec = new FormatSpec();
        int at = 0;
        int fill = text.Length > 0 ? CodePoints.Length(text, 0) : 0;
        if (text.Length > fill && "<>=^".Contains(text[fill], StringComparison.Ordinal))
        {
            spec.Fill = text[..fill];
            spec.Align = text[fill];
            at = fill + 1;
        }
        else if (text.Length > 0 && "<>=^".Contains(text[0], StringComparison.Ordinal))
        {
            spec.Align = text[at++];
        }

        if (at < text.Length && text[at] is '+' or '-' or ' ')
            spec.Sign = text[at++];
        if (at < text.Length && text[at] == '#')
            (spec.Alternate, at) = (true, at + 1);
        if (at < text.Length && text[at] == '0')
            (spec.Zero, at) = (true, at + 1);
        spec.Width = Number(run, text, ref at) ?? 0;
        if (at < text.Length && text[at] is ',' or '_')
            spec.Grouping = text[at++];
        if (at < text.Length && text[at] == '.')
        {
            at++;
            spec.Precision = Number(run, text, ref at) ?? throw run.Error("a format has a dot without a precision");
        }

        if (at < text.Length && Types.Contains(text[at], StringComparison.Ordinal))
            spec.Type = text[at++];
        return at == text.Length ? spec : throw run.Error("a format's specification is none");
    }

    /// <summary>As <c>format(value, spec)</c>.</summary>
    public readonly Value Format(Rendering run, Value value)
    {
        Check(run);
        if (value.IsText || (!value.IsNumber && Type is '\0' or 's'))
        {
            if (Type is not ('\0' or 's'))
                throw run.Error($"{What.Is(value)} cannot be written as '{Type}'");
            Value text = run.Text.Write(value);
            return Padded(run, Precision is { } most ? Slices.Take(run, text, Value.None, (long)most, Value.None) : text, Align == '\0' ? '<' : Align);
        }

        if (value.Kind == ValueKind.Boolean && Type == '\0')
            return Padded(run, run.Text.Write(value), Align == '\0' ? '<' : Align);
        return Numeric(run, value, Type == '\0' ? (value.Kind == ValueKind.Float ? 'r' : 'd') : Type);
    }

    /// <summary>As one place of <c>format % values</c>.</summary>
    public readonly Value Printf(Rendering run, char kind, Value value)
    {
        Check(run);
        FormatSpec spec = this with { Align = Left ? '<' : '>' };
        switch (kind)
        {
            case 's' or 'r' or 'a':
                Value text = kind == 's' ? run.Text.Write(value) : run.Text.Represent(value);
                return spec.Padded(run, Precision is { } most ? Slices.Take(run, text, Value.None, (long)most, Value.None) : text, spec.Align);
            case 'c' when value.IsText:
                return spec.Padded(run, value, spec.Align);
            case 'd' or 'i' or 'u' or 'x' or 'X' or 'o' or 'c':
                if (!value.IsNumber)
                    throw run.Error($"'%{kind}' is written of a number, and {What.Is(value)} was given");
                Value whole = value.Kind != ValueKind.Float ? value
                    : double.IsFinite(value.Float) ? new BigInteger(Math.Truncate(value.Float)) : throw run.Error("what is no number has no digits");
                return (Left ? spec : this with { Align = Zero ? '=' : '>' }).Numeric(run, whole, kind is 'i' or 'u' ? 'd' : kind);
            case 'f' or 'F' or 'e' or 'E' or 'g' or 'G':
                if (!value.IsNumber)
                    throw run.Error($"'%{kind}' is written of a number, and {What.Is(value)} was given");
                return (Left ? spec : this with { Align = Zero ? '=' : '>' }).Numeric(run, value, kind);
            default:
                throw run.Error($"there is no '%{kind}' in a format");
        }
    }

    private readonly void Check(Rendering run)
    {
        if (Width > Filters.MostWidth || Precision > Filters.MostWidth)
            throw run.Error($"a width or precision of more than {Filters.MostWidth}");
    }

    private readonly Value Numeric(Rendering run, Value value, char type)
    {
        (bool negative, string digits) = type switch
        {
            'd' or 'n' or 'x' or 'X' or 'o' or 'b' => Whole(run, value, type),
            'c' => (false, value.IsInteger && value.BigInteger >= 0 && value.BigInteger < 0x110000 && value.Int64 is < 0xD800 or > 0xDFFF
                ? char.ConvertFromUtf32((int)value.Int64) : throw run.Error("an integer is no character")),
            _ => Real(value.Float, type),
        };
        string sign = negative ? "-" : Sign == '-' ? "" : Sign.ToString();
        string prefix = Alternate ? type switch { 'x' => "0x", 'X' => "0X", 'o' => "0o", 'b' => "0b", _ => "" } : "";
        char align = Align != '\0' ? Align : Zero ? '=' : '>';
        string fill = Zero && align == '=' ? "0" : Fill;
        if (align == '=')
        {
            string inner = digits;
            int missing = Width - sign.Length - prefix.Length - digits.Length;
            if (missing > 0)
                inner = string.Concat(Enumerable.Repeat(fill, missing)) + digits;
            return sign + prefix + inner;
        }

        return Padded(run, sign + prefix + digits, align);
    }

    private readonly (bool Negative, string Digits) Whole(Rendering run, Value value, char type)
    {
        if (!value.IsInteger)
            throw run.Error($"{What.Is(value)} cannot be written as '{type}'");
        NumberText.CheckBits(value.BigInteger, run.Budget);
        BigInteger size = BigInteger.Abs(value.BigInteger);
        string digits = type is 'd' or 'n' ? size.ToString(CultureInfo.InvariantCulture) : InRadix(size, type is 'b' ? 1 : type is 'o' ? 3 : 4);
        return (value.BigInteger.Sign < 0, Grouped(type == 'X' ? digits.ToUpperInvariant() : digits, type is 'd' or 'n' ? 3 : 4));
    }

    private static string InRadix(BigInteger value, int bits)
    {
        if (value.IsZero)
            return "0";
        var digits = new StringBuilder();
        for (; !value.IsZero; value >>= bits)
            digits.Insert(0, "0123456789abcdef"[(int)(value & ((1 << bits) - 1))]);
        return digits.ToString();
    }

    private readonly (bool Negative, string Digits) Real(double value, char type)
    {
        bool negative = double.IsNegative(value) && !double.IsNaN(value);
        double size = Math.Abs(value);
        if (!double.IsFinite(size))
            return (negative, type is 'F' or 'E' or 'G' ? NumberText.Write(size).ToUpperInvariant() : NumberText.Write(size));
        int precision = Precision ?? 6;
        string text = type switch
        {
            'e' or 'E' => Exponent(size.ToString($"E{precision}", CultureInfo.InvariantCulture), type),
            'g' or 'G' => General(size, Math.Max(1, precision), type),
            '%' => (size * 100).ToString($"F{precision}", CultureInfo.InvariantCulture) + "%",
            'r' when Precision is null => NumberText.Write(size),
            'r' => General(size, Math.Max(1, precision), 'g') is string general && general.AsSpan().IndexOfAny(".e") < 0 ? general + ".0" : General(size, Math.Max(1, precision), 'g'),
            _ => size.ToString($"F{precision}", CultureInfo.InvariantCulture),
        };
        int dot = text.AsSpan().IndexOfAny(".e%");
        return (negative, dot < 0 ? Grouped(text, 3) : Grouped(text[..dot], 3) + text[dot..]);
    }

    private static string Exponent(string text, char type)
    {
        int at = text.IndexOf('E', StringComparison.Ordinal);
        int exponent = int.Parse(text.AsSpan(at + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return $"{text[..at]}{type}{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }

    private static string General(double value, int precision, char type)
    {
        if (value == 0)
            return "0";
        string scientific = value.ToString($"E{precision - 1}", CultureInfo.InvariantCulture);
        int at = scientific.IndexOf('E', StringComparison.Ordinal);
        int exponent = int.Parse(scientific.AsSpan(at + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (exponent < -4 || exponent >= precision)
            return Exponent(Shortened(scientific[..at]) + scientific[at..], type == 'G' ? 'E' : 'e');
        return Shortened(value.ToString($"F{Math.Max(0, precision - 1 - exponent)}", CultureInfo.InvariantCulture));
    }

    private static string Shortened(string digits) => digits.Contains('.', StringComparison.Ordinal) ? digits.TrimEnd('0').TrimEnd('.') : digits;

    private readonly string Grouped(string digits, int each)
    {
        if (Grouping == '\0')
            return digits;
        var grouped = new StringBuilder(digits);
        for (int at = digits.Length - each; at > 0; at -= each)
            grouped.Insert(at, Grouping);
        return grouped.ToString();
    }

    private readonly Value Padded(Rendering run, Value text, char align)
    {
        int missing = Math.Max(0, Width - CodePoints.Count(text.String));
        int left = align == '^' ? missing / 2 : align is '>' or '=' ? missing : 0;
        var all = new TextBuilder(run.Budget);
        for (int i = 0; i < left; i++)
            all.Append(Fill, callers: false);
        all.Append(text);
        for (int i = left; i < missing; i++)
            all.Append(Fill, callers: false);
        return all.ToValue();
    }

    private static int? Number(Rendering run, string text, ref int at)
    {
        int start = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
            at++;
        if (at == start)
            return null;
        return at - start <= 4 ? int.Parse(text.AsSpan(start, at - start), NumberStyles.None, CultureInfo.InvariantCulture)
            : throw run.Error($"a width or precision of more than {Filters.MostWidth}");
    }
}
