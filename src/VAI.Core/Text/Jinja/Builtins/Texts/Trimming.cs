using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Texts;

/// <summary>What stands at the ends of a text, taken off: white space, or any of some characters.</summary>
internal static class Trimming
{
    public static Value Both(Rendering run, Value text, string? chars) => Trim(run, text, chars, start: true, end: true);

    public static Value Start(Rendering run, Value text, string? chars) => Trim(run, text, chars, start: true, end: false);

    public static Value End(Rendering run, Value text, string? chars) => Trim(run, text, chars, start: false, end: true);

    private static Value Trim(Rendering run, Value value, string? chars, bool start, bool end)
    {
        string text = value.String;
        int from = 0, to = text.Length;
        while (start && from < to && Is(run, text, from, chars))
            from += CodePoints.Length(text, from);
        while (end && to > from)
        {
            int last = to >= 2 && char.IsSurrogatePair(text[to - 2], text[to - 1]) ? to - 2 : to - 1;
            if (!Is(run, text, last, chars))
                break;
            to = last;
        }

        return value.Part(from, Math.Max(0, to - from));
    }

    private static bool Is(Rendering run, string text, int at, string? chars)
    {
        if (chars is null)
            return PythonCase.IsSpace(text[at]);
        run.Budget.Read(chars.Length);
        return chars.AsSpan().IndexOf(text.AsSpan(at, CodePoints.Length(text, at))) >= 0;
    }
}
