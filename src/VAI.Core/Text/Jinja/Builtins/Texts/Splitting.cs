using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Texts;

/// <summary>Texts taken apart, and parts of them replaced.</summary>
internal static class Splitting
{
    /// <summary>What stands between white space.</summary>
    /// <param name="run">The rendering.</param>
    /// <param name="value">A text.</param>
    /// <param name="most">Splits; what then is left is one, without white space at its start. Less than zero for all.</param>
    public static List<Value> Words(Rendering run, Value value, int most)
    {
        string text = value.String;
        run.Budget.Read(text.Length);
        var words = new List<Value>();
        int at = 0;
        while (true)
        {
            while (at < text.Length && PythonCase.IsSpace(text[at]))
                at++;
            if (at == text.Length)
                return words;
            run.Budget.Step();
            int end = at;
            bool rest = words.Count == most;
            while (end < text.Length && (rest || !PythonCase.IsSpace(text[end])))
                end++;
            words.Add(value.Part(at, end - at));
            at = end;
        }
    }

    /// <summary>The same from the end.</summary>
    public static List<Value> LastWords(Rendering run, Value value, int most)
    {
        string text = value.String;
        run.Budget.Read(text.Length);
        var words = new List<Value>();
        int end = text.Length;
        while (true)
        {
            while (end > 0 && PythonCase.IsSpace(text[end - 1]))
                end--;
            if (end == 0)
                break;
            run.Budget.Step();
            int at = end;
            bool rest = words.Count == most;
            while (at > 0 && (rest || !PythonCase.IsSpace(text[at - 1])))
                at--;
            words.Add(value.Part(at, end - at));
            end = at;
        }

        words.Reverse();
        return words;
    }

    /// <summary>What stands between a separator.</summary>
    public static List<Value> By(Rendering run, Value value, string separator, int most)
    {
        string text = value.String;
        run.Budget.Seek(text.Length, separator.Length);
        if (separator.Length == 0)
            throw run.Error("a text is split at an empty string");
        var parts = new List<Value>();
        int at = 0;
        while (parts.Count != most && text.IndexOf(separator, at, StringComparison.Ordinal) is >= 0 and int next)
        {
            run.Budget.Step();
            parts.Add(value.Part(at, next - at));
            at = next + separator.Length;
        }

        parts.Add(value.Part(at, text.Length - at));
        return parts;
    }

    /// <summary>The same from the end.</summary>
    public static List<Value> LastBy(Rendering run, Value value, string separator, int most)
    {
        string text = value.String;
        run.Budget.Seek(text.Length, separator.Length);
        if (separator.Length == 0)
            throw run.Error("a text is split at an empty string");
        var parts = new List<Value>();
        int end = text.Length;
        while (parts.Count != most && text.AsSpan(0, end).LastIndexOf(separator) is >= 0 and int next)
        {
            run.Budget.Step();
            parts.Add(value.Part(next + separator.Length, end - next - separator.Length));
            end = next;
        }

        parts.Add(value.Part(0, end));
        parts.Reverse();
        return parts;
    }

    /// <summary>Lines, as Python's <c>splitlines</c> finds them.</summary>
    public static List<Value> Lines(Rendering run, Value value, bool keepEnds)
    {
        string text = value.String;
        run.Budget.Read(text.Length);
        var lines = new List<Value>();
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] is not ('\n' or '\r' or '\v' or '\f' or '\x1c' or '\x1d' or '\x1e' or '\x85' or '\u2028' or '\u2029'))
                continue;
            run.Budget.Step();
            int end = text[i] == '\r' && i + 1 < text.Length && text[i + 1] == '\n' ? i + 2 : i + 1;
            lines.Add(value.Part(start, (keepEnds ? end : i) - start));
            start = end;
            i = end - 1;
        }

        if (start < text.Length)
            lines.Add(value.Part(start, text.Length - start));
        return lines;
    }

    /// <summary>A text with parts of it replaced.</summary>
    public static Value Replace(Rendering run, Value value, Value old, Value with, int most)
    {
        string text = value.String;
        run.Budget.Seek(text.Length, old.String.Length);
        if (most == 0 || (old.String.Length > 0 && !text.Contains(old.String, StringComparison.Ordinal)))
            return value;
        var all = new TextBuilder(run.Budget);
        int done = 0, at = 0;
        while (done != most)
        {
            int next = text.IndexOf(old.String, at, StringComparison.Ordinal);
            if (next < 0)
                break;
            run.Budget.Step();
            all.Append(value.Part(at, next - at));
            all.Append(with);
            at = next + old.String.Length;
            done++;
            if (old.String.Length > 0)
                continue;

            // An empty text stands before each character, and at the end.
            if (at == text.Length)
                break;
            all.Append(value.Part(at, CodePoints.Length(text, at)));
            at += CodePoints.Length(text, at);
        }

        all.Append(value.Part(at, text.Length - at));
        return all.ToValue();
    }
}
