using System.Text;
using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins;

/// <summary>Lines broken at a width, between words.</summary>
internal static class WordWrap
{
    public static Value Apply(Rendering run, Value text, CallArguments a)
    {
        int width = Given.Integer(run, a[0], 79, "a width");
        if (width <= 0)
            throw run.Error("a width is less than 1");
        bool breakWords = Given.Flag(a[1], true);
        string newLine = a[2].IsMissing || a[2].IsNone ? "\n" : Given.String(run, a[2], "what lines are joined with");
        List<string> lines = [];
        foreach (Value line in Splitting.Lines(run, text, keepEnds: false))
            Wrap(line.String, width, breakWords, lines);
        string wrapped = string.Join(newLine, lines);
        run.Budget.Write(wrapped.Length);
        return text.Become(wrapped);
    }

    private static void Wrap(string line, int width, bool breakWords, List<string> lines)
    {
        var current = new StringBuilder();
        foreach (string word in Words(line))
        {
            string rest = word;
            if (current.Length > 0 && current.Length + rest.TrimEnd(' ').Length > width && !string.IsNullOrWhiteSpace(rest))
                Flush();
            while (breakWords && current.Length == 0 && rest.TrimEnd(' ').Length > width)
            {
                lines.Add(rest[..width]);
                rest = rest[width..];
            }

            current.Append(rest);
        }

        if (current.Length > 0 || line.Length == 0)
            Flush();

        void Flush()
        {
            lines.Add(current.ToString().TrimEnd(' '));
            current.Clear();
        }
    }

    // Each with the blanks behind it.
    private static IEnumerable<string> Words(string line)
    {
        int start = 0;
        for (int i = 1; i < line.Length; i++)
        {
            if (line[i] == ' ' || line[i - 1] != ' ')
                continue;
            yield return line[start..i];
            start = i;
        }

        if (start < line.Length)
            yield return line[start..];
    }
}
