using System.Globalization;
using System.Net;
using System.Text;
using VAI.Text.Jinja.Builtins.Formats;
using VAI.Text.Jinja.Builtins.Texts;
using VAI.Text.Jinja.Builtins.Types;
using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Filtering;

/// <summary>Filters of text. Each takes what is not text as what it is written as.</summary>
internal static class TextFilters
{
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~/";

    public static IEnumerable<Builtin> All =>
    [
        new("string", [], (run, self, a) => run.Text.Write(self)),
        new("trim", ["chars"], (run, self, a) => Trimming.Both(run, Given.Text(run, self), Given.String(run, a[0], null, "'chars'"))),
        new("upper", [], (run, self, a) => Change(run, self, PythonCase.Upper)),
        new("lower", [], (run, self, a) => Change(run, self, PythonCase.Lower)),
        new("capitalize", [], (run, self, a) => Change(run, self, PythonCase.Capitalize)),
        new("title", [], (run, self, a) => Change(run, self, Title)),
        new("replace", ["old", "new", "count"], Replace),
        new("indent", ["width", "first", "blank"], Indent),
        new("format", null, (run, self, a) => PercentFormat.Apply(run, run.Text.Write(self), Named(run, a))),
        new("center", ["width"], (run, self, a) => Padding.Center(run, Given.Text(run, self), Given.Integer(run, a[0], 80, "a width"), " ")),
        new("truncate", ["length", "killwords", "end", "leeway"], Truncate),
        new("wordcount", [], (run, self, a) => CountWords(Given.Text(run, self).String)),
        new("wordwrap", ["width", "break_long_words", "wrapstring", "break_on_hyphens"], (run, self, a) => WordWrap.Apply(run, Only(run, self), a)),
        new("escape", [], (run, self, a) => Change(run, self, Escape)),
        new("e", [], (run, self, a) => Change(run, self, Escape)),
        new("forceescape", [], (run, self, a) => Change(run, self, Escape)),
        new("striptags", [], (run, self, a) => Change(run, self, StripTags)),
        new("urlencode", [], UrlEncode),
        new("xmlattr", ["autospace"], XmlAttributes),
    ];

    public static string Escape(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal).Replace("'", "&#39;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal);

    private static Value Change(Rendering run, Value self, Func<string, string> change)
    {
        Value text = Given.Text(run, self);
        string changed = change(text.String);
        run.Budget.Write(changed.Length);

        // What keeps its length keeps its marks.
        return changed.Length == text.String.Length && text.Mixed is { } mixed ? Value.Text(mixed with { String = changed }) : text.Become(changed);
    }

    // Words begin behind white space, hyphens and opening brackets.
    private static string Title(string text)
    {
        var all = new StringBuilder();
        int start = 0;
        for (int i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && !PythonCase.IsSpace(text[i]) && !"-({[<".Contains(text[i], StringComparison.Ordinal))
                continue;
            if (i > start)
                PythonCase.AppendCapitalized(all, text, start, i);
            if (i < text.Length)
                all.Append(text[i]);
            start = i + 1;
        }

        return all.ToString();
    }

    private static Value Replace(Rendering run, Value self, CallArguments a) => Splitting.Replace(
        run, Given.Text(run, self), run.Text.Write(Given.Needed(run, a[0], "'old'")), run.Text.Write(Given.Needed(run, a[1], "'new'")),
        Given.Integer(run, a[2], -1, "'count'"));

    private static Value Indent(Rendering run, Value self, CallArguments a)
    {
        Value by = a[0].IsText ? a[0] : new string(' ', Math.Max(0, Filters.Width(run, Given.Integer(run, a[0], 4, "an indentation"))));
        Filters.Width(run, by.String.Length);
        bool first = Given.Flag(a[1], false), blank = Given.Flag(a[2], false);
        var text = new TextBuilder(run.Budget);
        // With a line break behind it, what stands behind its own last one is a line too.
        List<Value> lines = Splitting.Lines(run, Operators.Join(run, Only(run, self), "\n"), keepEnds: false);
        for (int i = 0; i < lines.Count; i++)
        {
            if (i > 0)
                text.Append("\n", callers: false);
            if (i == 0 ? first : blank || lines[i].String.Length > 0)
                text.Append(by);
            text.Append(lines[i]);
        }

        return text.ToValue();
    }

    private static Value Only(Rendering run, Value value) => value.IsText ? value : throw run.Error($"{What.Is(value)} is no string");

    private static long CountWords(string text)
    {
        long words = 0;
        for (int i = 0; i < text.Length; i++)
            words += PythonCase.IsWord(text[i]) && (i == 0 || !PythonCase.IsWord(text[i - 1])) ? 1 : 0;
        return words;
    }

    private static Value Named(Rendering run, CallArguments a)
    {
        if (a.Named.Length == 0)
            return Value.Tuple(a.Positional);
        if (a.Count > 0)
            throw run.Error("'format' takes arguments by place or by name, not both");
        var dict = new ValueDict();
        foreach ((Value name, Value value) in a.Named)
            dict.Set(name, value);
        return dict;
    }

    private static Value Truncate(Rendering run, Value self, CallArguments a)
    {
        int length = Given.Integer(run, a[0], 255, "a length"), leeway = Given.Integer(run, a[3], 5, "'leeway'");

        // What is no string but has few items is no longer than it may be.
        if (!self.IsText && Iteration.Count(self) is >= 0 and int items && items <= length + leeway)
            return self;
        Value text = Only(run, self), end = a[2].IsMissing ? "..." : Only(run, a[2]);
        int room = length - CodePoints.Count(end.String);
        if (room < 0 || leeway < 0)
            throw run.Error("a text is cut to less than what stands for the rest");
        if (CodePoints.Count(text.String) <= length + leeway)
            return text;
        Value kept = Slices.Take(run, text, Value.None, (long)room, Value.None);
        int space = kept.String.LastIndexOf(' ');
        if (!Given.Flag(a[1], false) && space >= 0)
            kept = kept.Part(0, space);
        return Operators.Join(run, kept, end);
    }

    // Comments first, then tags; what has no end stays.
    private static string StripTags(string text)
    {
        string plain = Without(Without(text, "<!--", "-->"), "<", ">");
        var words = new StringBuilder(plain.Length);
        foreach (char c in plain.Trim())
        {
            if (!char.IsWhiteSpace(c))
                words.Append(c);
            else if (words[^1] != ' ')
                words.Append(' ');
        }

        return WebUtility.HtmlDecode(words.ToString());
    }

    private static string Without(string text, string start, string end)
    {
        var all = new StringBuilder();
        int at = 0;
        while (text.IndexOf(start, at, StringComparison.Ordinal) is >= 0 and int from && text.IndexOf(end, from, StringComparison.Ordinal) is >= 0 and int to)
        {
            all.Append(text, at, from - at);
            at = to + end.Length;
        }

        return all.Append(text, at, text.Length - at).ToString();
    }

    private static Value UrlEncode(Rendering run, Value self, CallArguments a)
    {
        if (!self.IsDict && !self.IsList)
            return Change(run, self, text => Quote(text, keep: '/'));
        List<Value> pairs = self.IsDict ? DictMethods.Items(run, self).List.Items : self.List.Items;
        var parts = new List<string>();
        foreach (Value pair in pairs)
        {
            if (Iteration.Items(run, pair) is not [Value key, Value value])
                throw run.Error("'urlencode' takes a string, a dictionary or pairs");
            parts.Add($"{Query(run, key)}={Query(run, value)}");
        }

        string query = string.Join('&', parts);
        run.Budget.Write(query.Length);
        return Value.Text(query, callers: true);
    }

    private static string Query(Rendering run, Value value) =>
        Quote(Given.Text(run, value).String, null).Replace("%20", "+", StringComparison.Ordinal);

    private static string Quote(string text, char? keep)
    {
        var all = new StringBuilder();
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            if (Letters.Contains((char)b, StringComparison.Ordinal) && (b != '/' || keep == '/'))
                all.Append((char)b);
            else
                all.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }

        return all.ToString();
    }

    private static Value XmlAttributes(Rendering run, Value self, CallArguments a)
    {
        if (!self.IsDict)
            throw run.Error($"{What.Is(self)} is no dictionary");
        var text = new TextBuilder(run.Budget);
        foreach ((Value key, Value value) in self.Dict)
        {
            if (value.IsNone || value.IsUndefined)
                continue;
            string name = Given.Text(run, key).String;
            if (name.AsSpan().ContainsAny(" \t\r\n\f/>="))
                throw run.Error("a key is no name of an attribute");
            if (text.Length > 0 || Given.Flag(a[0], true))
                text.Append(" ", callers: false);
            text.Append($"{Escape(name)}=\"{Escape(Given.Text(run, value).String)}\"", callers: true);
        }

        return text.ToValue();
    }
}
