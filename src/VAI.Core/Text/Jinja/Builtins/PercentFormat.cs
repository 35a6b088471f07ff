using System.Globalization;
using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins;

/// <summary>Python's <c>format % values</c> (Standard types, "printf-style String Formatting").</summary>
internal static class PercentFormat
{
    public static Value Apply(Rendering run, Value format, Value values)
    {
        string text = format.String;
        run.Budget.Read(text.Length);
        var all = new TextBuilder(run.Budget);
        int next = 0;
        int at = 0;
        while (text.IndexOf('%', at) is >= 0 and int percent)
        {
            run.Budget.Step();
            all.Append(format.Part(at, percent - at));
            at = percent + 1;
            string? key = Key(run, text, ref at);
            var spec = new FormatSpec();
            for (; at < text.Length && "-+ 0#".Contains(text[at], StringComparison.Ordinal); at++)
            {
                spec.Left |= text[at] == '-';
                spec.Zero |= text[at] == '0';
                spec.Alternate |= text[at] == '#';
                spec.Sign = text[at] == '+' ? '+' : text[at] == ' ' && spec.Sign != '+' ? ' ' : spec.Sign;
            }

            spec.Width = Number(text, ref at) ?? 0;
            if (at < text.Length && text[at] == '.')
            {
                at++;
                spec.Precision = Number(text, ref at) ?? 0;
            }

            while (at < text.Length && text[at] is 'l' or 'h' or 'L')
                at++;
            if (at == text.Length)
                throw run.Error("a format ends in the middle of '%'");
            char kind = text[at++];
            if (kind == '%')
                all.Append("%", callers: false);
            else
                all.Append(spec.Printf(run, kind, key is null ? Take(run, values, ref next) : Named(run, values, key)));
        }

        all.Append(format.Part(at, text.Length - at));
        if (values.Kind == ValueKind.Tuple && next < values.List.Count)
            throw run.Error("a format has fewer places than values are given");
        if (!values.IsDict && values.Kind != ValueKind.Tuple && next == 0 && !values.IsList)
            throw run.Error("a format has no place for the value");
        return all.ToValue();
    }

    private static string? Key(Rendering run, string text, ref int at)
    {
        if (at == text.Length || text[at] != '(')
            return null;
        int end = text.IndexOf(')', at);
        if (end < 0)
            throw run.Error("a name in a format has no ')'");
        string key = text[(at + 1)..end];
        at = end + 1;
        return key;
    }

    private static int? Number(string text, ref int at)
    {
        int start = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
            at++;
        return at == start ? null : int.TryParse(text.AsSpan(start, at - start), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue;
    }

    private static Value Take(Rendering run, Value values, ref int next)
    {
        int at = next++;
        if (values.Kind != ValueKind.Tuple)
            return at == 0 ? values : throw run.Error("a format has more places than values are given");
        return at < values.List.Count ? values.List[at] : throw run.Error("a format has more places than values are given");
    }

    private static Value Named(Rendering run, Value values, string key) => !values.IsDict ? throw run.Error("a format with names needs a dictionary")
        : values.Dict.TryGet(key, out Value value) ? value : throw run.Error($"a format has the name '{key}', of which there is no value");
}
