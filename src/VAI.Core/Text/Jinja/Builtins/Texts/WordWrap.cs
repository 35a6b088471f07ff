using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Texts;

/// <summary>Lines broken at a width, between words and behind hyphens, as Python's <c>textwrap</c> does it.</summary>
/// <param name="run">The rendering.</param>
/// <param name="width">Characters of a line, UTF-16 units.</param>
/// <param name="breaksWords">Whether a word that is longer is broken.</param>
/// <param name="breaksHyphens">Whether words are broken behind their hyphens.</param>
internal sealed class WordWrap(Rendering run, int width, bool breaksWords, bool breaksHyphens)
{
    private readonly List<string> _lines = [];

    public static Value Apply(Rendering run, Value text, CallArguments a)
    {
        int width = Given.Integer(run, a[0], 79, "a width");
        if (width <= 0)
            throw run.Error("a width is less than 1");
        string newLine = a[2].IsMissing || a[2].IsNone ? "\n" : Given.String(run, a[2], "what lines are joined with");
        var wrap = new WordWrap(run, width, Given.Flag(a[1], true), Given.Flag(a[3], true));
        foreach (Value line in Splitting.Lines(run, text, keepEnds: false))
            wrap.Add(line.String);
        var all = new TextBuilder(run.Budget);
        for (int i = 0; i < wrap._lines.Count; i++)
        {
            if (i > 0)
                all.Append(newLine, callers: false);
            all.Append(wrap._lines[i], callers: true);
        }

        return text.Become(all.ToValue().String);
    }

    private void Add(string line)
    {
        int before = _lines.Count;
        List<string> chunks = Chunks(line);
        chunks.Reverse();
        while (chunks.Count > 0)
        {
            run.Budget.Spend(4);
            if (IsBlank(chunks[^1]) && _lines.Count > before)
                chunks.RemoveAt(chunks.Count - 1);
            var current = new List<string>();
            int length = 0;
            while (chunks.Count > 0 && length + chunks[^1].Length <= width)
            {
                length += chunks[^1].Length;
                current.Add(chunks[^1]);
                chunks.RemoveAt(chunks.Count - 1);
            }

            if (chunks.Count > 0 && chunks[^1].Length > width)
                BreakLong(chunks, current, width - length);
            if (current.Count > 0 && IsBlank(current[^1]))
                current.RemoveAt(current.Count - 1);
            if (current.Count > 0)
                _lines.Add(string.Concat(current));
        }

        // A line of nothing stays one.
        if (_lines.Count == before)
            _lines.Add("");
    }

    private void BreakLong(List<string> chunks, List<string> current, int room)
    {
        string chunk = chunks[^1];
        if (!breaksWords)
        {
            if (current.Count > 0)
                return;
            current.Add(chunk);
            chunks.RemoveAt(chunks.Count - 1);
            return;
        }

        run.Budget.Read(chunk.Length);
        int end = room;
        if (breaksHyphens && room > 0 && chunk.LastIndexOf('-', room - 1) is > 0 and int hyphen && chunk.AsSpan(0, hyphen).ContainsAnyExcept('-'))
            end = hyphen + 1;
        // Also an empty part, behind which the blank before it stays.
        current.Add(chunk[..end]);
        chunks[^1] = chunk[end..];
    }

    private static bool IsBlank(string chunk) => chunk.All(PythonCase.IsSpace);

    // White space and words in turn; a word may be several.
    private List<string> Chunks(string line)
    {
        var chunks = new List<string>();
        int start = 0;
        while (start < line.Length)
        {
            run.Budget.Spend(4);
            int end = start + 1;
            if (IsBreak(line[start]))
            {
                while (end < line.Length && IsBreak(line[end]))
                    end++;
            }
            else if (breaksHyphens && Dash(line, start) is > 0 and int dash)
            {
                end = dash;
            }
            else
            {
                while (end < line.Length && !IsBreak(line[end]) && !(breaksHyphens && EndsWord(line, start, end)))
                    end++;
            }

            chunks.Add(line[start..end]);
            start = end;
        }

        return chunks;
    }

    private static bool IsBreak(char c) => c is ' ' or '\t' or '\n' or '\v' or '\f' or '\r';

    // Two hyphens or more between words, where they end; 0 where there are none.
    private static int Dash(string line, int at)
    {
        if (at == 0 || line[at] != '-' || !IsWordOrPunctuation(line[at - 1]))
            return 0;
        int end = at;
        while (end < line.Length && line[end] == '-')
            end++;
        return end - at >= 2 && end < line.Length && PythonCase.IsWord(line[end]) ? end : 0;
    }

    // Behind the hyphen of a word with letters on both sides, or before a dash.
    private static bool EndsWord(string line, int start, int end)
    {
        if (Dash(line, end) > 0)
            return true;
        if (line[end - 1] != '-' || end - 1 == start || end >= line.Length || !char.IsLetter(line[end]))
            return false;
        bool before = end - 3 >= 0 && char.IsLetter(line[end - 2]) && (char.IsLetter(line[end - 3]) || (line[end - 3] == '-' && end >= 4 && char.IsLetter(line[end - 4])));
        bool after = end + 1 < line.Length && (char.IsLetter(line[end + 1]) || (line[end + 1] == '-' && end + 2 < line.Length && char.IsLetter(line[end + 2])));
        return before && after;
    }

    private static bool IsWordOrPunctuation(char c) => PythonCase.IsWord(c) || "!\"'&.,?".Contains(c, StringComparison.Ordinal);
}
