using System.Globalization;
using System.Numerics;
using VAI.Text.Jinja.Builtins.Texts;
using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Formats;

/// <summary>Python's <c>format % values</c> (Standard types, "printf-style String Formatting").</summary>
/// <param name="run">The rendering.</param>
/// <param name="values">A tuple, a dictionary, or what stands in the one place.</param>
internal sealed class PercentFormat(Rendering run, Value values)
{
    private int _next;

    public static Value Apply(Rendering run, Value format, Value values) => new PercentFormat(run, values).Apply(format);

    private Value Apply(Value format)
    {
        string text = format.String;
        run.Budget.Read(text.Length);
        var all = new TextBuilder(run.Budget);
        int at = 0;
        while (text.IndexOf('%', at) is >= 0 and int percent)
        {
            run.Budget.Step();
            all.Append(format.Part(at, percent - at));
            at = percent + 1;
            all.Append(Place(text, ref at));
        }

        all.Append(format.Part(at, text.Length - at));
        if (values.Kind == ValueKind.Tuple && _next < values.List.Count)
            throw run.Error("a format has fewer places than values are given");
        if (!values.IsDict && !values.IsList && !values.IsUndefined && _next == 0)
            throw run.Error("a format has no place for the value");
        return all.ToValue();
    }

    // Behind the '%': (name), flags, width, .precision, a length that says nothing, the kind.
    private Value Place(string text, ref int at)
    {
        string? key = Key(text, ref at);
        var spec = default(FormatSpec);
        bool left = false;
        for (; at < text.Length && "-+ 0#".Contains(text[at], StringComparison.Ordinal); at++)
        {
            left |= text[at] == '-';
            spec.Zero |= text[at] == '0';
            spec.Alternate |= text[at] == '#';
            spec.Sign = text[at] == '+' ? '+' : text[at] == ' ' && spec.Sign != '+' ? ' ' : spec.Sign;
        }

        int width = Number(text, ref at) ?? 0;
        (left, spec.Width) = (left || width < 0, Math.Abs(width));
        if (at < text.Length && text[at] == '.')
        {
            at++;
            spec.Precision = Math.Max(0, Number(text, ref at) ?? 0);
        }

        while (at < text.Length && text[at] is 'l' or 'h' or 'L')
            at++;
        if (at == text.Length)
            throw run.Error("a format ends in the middle of '%'");
        char kind = text[at++];
        spec.Check(run);
        return kind == '%' ? "%" : Write(spec, left, kind, key is null ? Take() : Named(key));
    }

    private Value Write(FormatSpec spec, bool left, char kind, Value value)
    {
        switch (kind)
        {
            case 's' or 'r' or 'a':
                Value text = kind == 's' ? run.Text.Write(value) : run.Text.Represent(value, ascii: kind == 'a');
                text = spec.Precision is { } most ? Slices.Take(run, text, Value.None, (long)most, Value.None) : text;
                return Padded(text, spec.Width, left);
            case 'c' when value.IsText && CodePoints.Count(value.String) == 1:
                return Padded(value, spec.Width, left);
            case 'c' when value.IsInteger:
                return Padded(FormatSpec.Character(run, value.BigInteger), spec.Width, left);
            case 'd' or 'i' or 'u' when value.Kind == ValueKind.Float && double.IsFinite(value.Float):
                return Numeric(spec, left, value.Float <= -1, "", FormatSpec.Digits(run, new BigInteger(Math.Truncate(value.Float)), 'd').PadLeft(spec.Precision ?? 0, '0'));
            case 'd' or 'i' or 'u' or 'x' or 'X' or 'o' when value.IsInteger:
                string prefix = spec.Alternate ? FormatSpec.Prefix(kind) : "";
                return Numeric(spec, left, value.BigInteger.Sign < 0, prefix, FormatSpec.Digits(run, value.BigInteger, kind).PadLeft(spec.Precision ?? 0, '0'));
            case 'f' or 'F' or 'e' or 'E' or 'g' or 'G' when value.IsNumber:
                double real = Arithmetic.Real(run, value);
                return Numeric(
                    spec, left, double.IsNegative(real) && !double.IsNaN(real), "", FloatText.Write(Math.Abs(real), kind, spec.Precision, spec.Alternate));
            default:
                throw run.Error($"{What.Is(value)} cannot be written as '%{kind}'");
        }
    }

    private Value Numeric(FormatSpec spec, bool left, bool negative, string prefix, string digits)
    {
        string sign = negative ? "-" : spec.Sign == '\0' ? "" : spec.Sign.ToString();
        if (spec.Zero && !left)
            digits = digits.PadLeft(Math.Max(0, spec.Width - sign.Length - prefix.Length), '0');
        return Padded(sign + prefix + digits, spec.Width, left);
    }

    private Value Padded(Value text, int width, bool left) => left ? Padding.Right(run, text, width, " ") : Padding.Left(run, text, width, " ");

    private string? Key(string text, ref int at)
    {
        if (at == text.Length || text[at] != '(')
            return null;
        int start = ++at;
        for (int depth = 1; at < text.Length; at++)
        {
            depth += text[at] == '(' ? 1 : text[at] == ')' ? -1 : 0;
            if (depth == 0)
                return text[start..at++];
        }

        throw run.Error("a name in a format has no ')'");
    }

    // Digits, or an asterisk for a value.
    private int? Number(string text, ref int at)
    {
        if (at < text.Length && text[at] == '*')
        {
            at++;
            return Given.Integer(run, Given.Needed(run, Take(), "a width or precision"), 0, "a width or precision");
        }

        int start = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
            at++;
        return at == start ? null : int.TryParse(text.AsSpan(start, at - start), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue;
    }

    private Value Take()
    {
        int at = _next++;
        if (values.Kind != ValueKind.Tuple)
            return at == 0 ? values : throw run.Error("a format has more places than values are given");
        return at < values.List.Count ? values.List[at] : throw run.Error("a format has more places than values are given");
    }

    private Value Named(string key) => !values.IsDict ? throw run.Error("a format with names needs a dictionary")
        : values.Dict.TryGet(key, out Value value) ? value : throw run.Error($"a format has the name '{key}', of which there is no value");
}
