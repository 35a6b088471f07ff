using System.Globalization;
using System.Numerics;
using System.Text;
using VAI.Text.Jinja.Builtins.Filtering;
using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Formats;

/// <summary>How a value is written in a format: Python's <c>[[fill]align][sign][#][0][width][,][.precision][type]</c>.</summary>
internal struct FormatSpec
{
    private const string Types = "bcdeEfFgGnosxX%", RealTypes = "eEfFgG%";

    public string? Fill { get; set; }

    public char Align { get; set; }

    public char Sign { get; set; }

    public bool Alternate { get; set; }

    public bool Zero { get; set; }

    public int Width { get; set; }

    public char Grouping { get; set; }

    public int? Precision { get; set; }

    public char Type { get; set; }

    public static FormatSpec Parse(Rendering run, string text)
    {
        var spec = default(FormatSpec);
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
        spec.Check(run);
        return at == text.Length ? spec : throw run.Error("a format's specification is none");
    }

    /// <summary>Refuses what is wider than a text should be, and counts what is not.</summary>
    public readonly void Check(Rendering run)
    {
        if (Width > Filters.MostWidth || Precision > Filters.MostWidth)
            throw run.Error($"a width or precision of more than {Filters.MostWidth}");
        run.Budget.Write(Width + (Precision ?? 0));
    }

    /// <summary>As <c>format(value, spec)</c>.</summary>
    public readonly Value Format(Rendering run, Value value) => value.Kind switch
    {
        ValueKind.Text => FormatText(run, value),
        ValueKind.Integer or ValueKind.Boolean when !RealTypes.Contains(Type, StringComparison.Ordinal) => FormatInteger(run, value.BigInteger),
        ValueKind.Integer or ValueKind.Boolean or ValueKind.Float => FormatReal(run, value),
        _ => throw run.Error($"{What.Is(value)} is written in a format without more than its place"),
    };

    /// <summary>An integer's digits in a type's radix, lower case but for X, without a sign.</summary>
    public static string Digits(Rendering run, BigInteger value, char type)
    {
        NumberText.CheckBits(value, run.Budget);
        BigInteger size = BigInteger.Abs(value);
        int bits = type is 'b' ? 1 : type is 'o' ? 3 : type is 'x' or 'X' ? 4 : 0;
        if (bits == 0)
            return NumberText.WriteInteger(size, run.Budget);

        // Out of its bytes: a shift for each digit would copy all of it each time.
        byte[] bytes = size.ToByteArray();
        int count = (int)Math.Max(1, (size.GetBitLength() + bits - 1) / bits);
        run.Budget.Write(count);
        char[] digits = new char[count];
        for (int i = 0; i < count; i++)
        {
            int at = i * bits, digit = bytes[at / 8] | (at / 8 + 1 < bytes.Length ? bytes[at / 8 + 1] << 8 : 0);
            digits[count - 1 - i] = (type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[digit >> (at % 8) & ((1 << bits) - 1)];
        }

        return new string(digits);
    }

    /// <summary>What <c>#</c> puts before digits.</summary>
    public static string Prefix(char type) => type switch { 'x' => "0x", 'X' => "0X", 'o' => "0o", 'b' => "0b", _ => "" };

    private readonly Value FormatText(Rendering run, Value text)
    {
        if (Type is not ('\0' or 's') || Sign != '\0' || Align == '=' || Alternate || Grouping != '\0')
            throw run.Error("a string is written with a width and a precision, and nothing else");
        Value part = Precision is { } most ? Slices.Take(run, text, Value.None, (long)most, Value.None) : text;
        return Padded(run, part, Align == '\0' ? '<' : Align);
    }

    private readonly Value FormatInteger(Rendering run, BigInteger value)
    {
        char type = Type == '\0' ? 'd' : Type;
        if (type == 's' || Precision is not null || (Grouping == ',' && type != 'd') || (Grouping == '_' && type is 'c' or 'n') || (type == 'c' && (Sign != '\0' || Alternate)))
            throw run.Error("an integer is not written with such a specification");
        if (type != 'c')
            return Numeric(run, value.Sign < 0, Alternate ? Prefix(type) : "", Digits(run, value, type), "", type is 'd' or 'n' ? 3 : 4);
        return Numeric(run, negative: false, "", Character(run, value), "", int.MaxValue);
    }

    /// <summary>The character of a code point.</summary>
    public static string Character(Rendering run, BigInteger code) => code < 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)
        ? throw run.Error("an integer is no character") : char.ConvertFromUtf32((int)code);

    private readonly Value FormatReal(Rendering run, Value value)
    {
        if (Type != '\0' && Type != 'n' && !RealTypes.Contains(Type, StringComparison.Ordinal))
            throw run.Error($"a float cannot be written as '{Type}'");
        double real = Arithmetic.Real(run, value);
        string text = FloatText.Write(Math.Abs(real), Type == '\0' ? 'r' : Type, Precision, Alternate);
        int dot = text.AsSpan().IndexOfAny(".eE%");
        (string whole, string rest) = dot < 0 ? (text, "") : (text[..dot], text[dot..]);
        return Numeric(run, double.IsNegative(real) && !double.IsNaN(real), "", whole, rest, double.IsFinite(real) ? 3 : int.MaxValue);
    }

    // Zeros before the digits are grouped with them.
    private readonly Value Numeric(Rendering run, bool negative, string prefix, string whole, string rest, int each)
    {
        string sign = negative ? "-" : Sign is '+' or ' ' ? Sign.ToString() : "";
        char align = Align != '\0' ? Align : Zero ? '=' : '>';
        string fill = Fill ?? (Zero ? "0" : " ");
        int room = align == '=' ? Width - sign.Length - prefix.Length - rest.Length : 0;
        if (Grouping != '\0')
        {
            int length = whole.Length;
            while (fill == "0" && length + ((length - 1) / each) < room)
                length++;
            whole = Grouped(whole.PadLeft(length, '0'), each);
        }

        if (align != '=')
            return Padded(run, sign + prefix + whole + rest, align);
        return sign + prefix + string.Concat(Enumerable.Repeat(fill, Math.Max(0, room - whole.Length))) + whole + rest;
    }

    private readonly string Grouped(string digits, int each)
    {
        var grouped = new StringBuilder(digits);
        for (int at = digits.Length - each; at > 0; at -= each)
            grouped.Insert(at, Grouping);
        return grouped.ToString();
    }

    private readonly Value Padded(Rendering run, Value text, char align)
    {
        string fill = Fill ?? (Zero ? "0" : " ");
        int missing = Math.Max(0, Width - CodePoints.Count(text.String));
        int left = align == '^' ? missing / 2 : align is '>' ? missing : 0;
        var all = new TextBuilder(run.Budget);
        for (int i = 0; i < left; i++)
            all.Append(fill, callers: false);
        all.Append(text);
        for (int i = left; i < missing; i++)
            all.Append(fill, callers: false);
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
