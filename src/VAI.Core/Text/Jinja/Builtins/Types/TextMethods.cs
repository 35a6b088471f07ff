using System.Numerics;
using VAI.Text.Jinja.Builtins.Filtering;
using VAI.Text.Jinja.Builtins.Formats;
using VAI.Text.Jinja.Builtins.Texts;
using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Types;

/// <summary>Methods of Python's strings. Places are counted in code points.</summary>
internal static class TextMethods
{
    public static IEnumerable<Builtin> All =>
    [
        new("strip", ["/chars"], (run, self, a) => Trimming.Both(run, Read(run, self), Chars(run, a[0]))),
        new("lstrip", ["/chars"], (run, self, a) => Trimming.Start(run, Read(run, self), Chars(run, a[0]))),
        new("rstrip", ["/chars"], (run, self, a) => Trimming.End(run, Read(run, self), Chars(run, a[0]))),
        new("split", ["sep", "maxsplit"], (run, self, a) => new ValueList(a[0].IsMissing || a[0].IsNone
            ? Splitting.Words(run, self, Most(run, a[1])) : Splitting.By(run, self, Given.String(run, a[0], "a separator"), Most(run, a[1])))),
        new("rsplit", ["sep", "maxsplit"], (run, self, a) => new ValueList(a[0].IsMissing || a[0].IsNone
            ? Splitting.LastWords(run, self, Most(run, a[1])) : Splitting.LastBy(run, self, Given.String(run, a[0], "a separator"), Most(run, a[1])))),
        new("splitlines", ["keepends"], (run, self, a) => new ValueList(Splitting.Lines(run, self, Given.Flag(a[0], false)))),
        new("partition", ["/sep"], (run, self, a) => Partition(run, self, a, last: false)),
        new("rpartition", ["/sep"], (run, self, a) => Partition(run, self, a, last: true)),
        new("join", ["/iterable"], Join),
        new("replace", ["/old", "/new", "/count"], (run, self, a) =>
            Splitting.Replace(run, self, Needed(run, a[0], "'old'"), Needed(run, a[1], "'new'"), Given.Integer(run, a[2], -1, "'count'"))),
        new("removeprefix", ["/prefix"], (run, self, a) => Without(run, self, Given.String(run, a[0], "a prefix"), start: true)),
        new("removesuffix", ["/suffix"], (run, self, a) => Without(run, self, Given.String(run, a[0], "a suffix"), start: false)),
        new("startswith", ["/prefix", "/start", "/end"], (run, self, a) => Touches(run, self, a, start: true)),
        new("endswith", ["/suffix", "/start", "/end"], (run, self, a) => Touches(run, self, a, start: false)),
        new("find", ["/sub", "/start", "/end"], (run, self, a) => Find(run, self, a, last: false)),
        new("rfind", ["/sub", "/start", "/end"], (run, self, a) => Find(run, self, a, last: true)),
        new("index", ["/sub", "/start", "/end"], (run, self, a) => Found(run, Find(run, self, a, last: false))),
        new("rindex", ["/sub", "/start", "/end"], (run, self, a) => Found(run, Find(run, self, a, last: true))),
        new("count", ["/sub", "/start", "/end"], Count),
        new("format", null, (run, self, a) => BraceFormat.Apply(run, self, a)),
        new("format_map", ["/mapping"], (run, self, a) => BraceFormat.Apply(run, self, Named(run, a[0]))),
        new("ljust", ["/width", "/fillchar"], (run, self, a) => Padding.Right(run, self, Width(run, a[0]), Fill(run, a[1]))),
        new("rjust", ["/width", "/fillchar"], (run, self, a) => Padding.Left(run, self, Width(run, a[0]), Fill(run, a[1]))),
        new("center", ["/width", "/fillchar"], (run, self, a) => Padding.Center(run, self, Width(run, a[0]), Fill(run, a[1]))),
        new("zfill", ["/width"], ZeroFill),
        new("expandtabs", ["tabsize"], ExpandTabs),
    ];

    private static Value Read(Rendering run, Value self)
    {
        run.Budget.Read(self.String.Length);
        return self;
    }

    private static string? Chars(Rendering run, Value value) => Given.String(run, value, null, "what is taken off");

    private static int Most(Rendering run, Value value) => Given.Integer(run, value, -1, "'maxsplit'");

    private static int Width(Rendering run, Value value) => Given.Integer(run, Given.Needed(run, value, "a width"), 0, "a width");

    private static string Fill(Rendering run, Value value) => Given.String(run, value, " ", "what fills a width")!;

    private static Value Needed(Rendering run, Value value, string what)
    {
        Given.String(run, value, what);
        return value;
    }

    private static Value Partition(Rendering run, Value self, CallArguments a, bool last)
    {
        string separator = Given.String(run, a[0], "a separator");
        run.Budget.Seek(self.String.Length, separator.Length);
        if (separator.Length == 0)
            throw run.Error("a text is split at an empty string");
        int at = last ? self.String.LastIndexOf(separator, StringComparison.Ordinal) : self.String.IndexOf(separator, StringComparison.Ordinal);
        if (at < 0)
            return last ? Value.Tuple("", "", self) : Value.Tuple(self, "", "");
        int end = at + separator.Length;
        return Value.Tuple(self.Part(0, at), self.Part(at, separator.Length), self.Part(end, self.String.Length - end));
    }

    private static Value Join(Rendering run, Value self, CallArguments a)
    {
        var text = new TextBuilder(run.Budget);
        List<Value> items = Iteration.Items(run, Given.Needed(run, a[0], "what is joined"));
        for (int i = 0; i < items.Count; i++)
        {
            if (!items[i].IsText)
                throw run.Error($"strings are joined, and {What.Is(items[i])} is among them");
            if (i > 0)
                text.Append(self);
            text.Append(items[i]);
        }

        return text.ToValue();
    }

    private static Value Without(Rendering run, Value self, string part, bool start)
    {
        run.Budget.Write(self.String.Length);
        bool has = start ? self.String.StartsWith(part, StringComparison.Ordinal) : self.String.EndsWith(part, StringComparison.Ordinal);
        return has ? self.Part(start ? part.Length : 0, self.String.Length - part.Length) : self;
    }

    private static Value Touches(Rendering run, Value self, CallArguments a, bool start)
    {
        string? text = Window(run, self, a);
        if (a[0].Kind == ValueKind.Tuple)
            return a[0].List.Items.Exists(i => Is(Given.String(run, i, "a prefix or suffix")));
        return Is(Given.String(run, a[0], "a prefix or suffix"));

        bool Is(string with)
        {
            run.Budget.Read(with.Length);
            return text is not null && (start ? text.StartsWith(with, StringComparison.Ordinal) : text.EndsWith(with, StringComparison.Ordinal));
        }
    }

    // What is between the second and the third argument; null where they leave no place, not even for an empty text.
    private static string? Window(Rendering run, Value self, CallArguments a)
    {
        BigInteger count = CodePoints.Count(self.String);
        BigInteger start = At(a[1], 0), end = BigInteger.Min(At(a[2], count), count);
        return start > end ? null : Slices.Take(run, self, Bound(a[1]), Bound(a[2]), Value.None).String;

        BigInteger At(Value value, BigInteger otherwise) =>
            !value.IsInteger ? otherwise : value.BigInteger < 0 ? BigInteger.Max(value.BigInteger + count, 0) : value.BigInteger;
    }

    private static CallArguments Named(Rendering run, Value mapping)
    {
        if (!mapping.IsDict)
            throw run.Error($"{What.Is(mapping)} is no dictionary");
        run.Budget.Spend(mapping.Dict.Count);
        var named = new List<(string, Value)>();
        foreach ((Value key, Value value) in mapping.Dict)
        {
            if (key.IsText)
                named.Add((key.String, value));
        }

        return new CallArguments([], [.. named]);
    }

    private static Value Bound(Value value) => value.IsMissing ? Value.None : value;

    private static Value Find(Rendering run, Value self, CallArguments a, bool last)
    {
        string sought = Given.String(run, a[0], "what is looked for");
        run.Budget.Seek(self.String.Length, sought.Length);
        if (Window(run, self, a) is null)
            return -1L;
        Value part = Slices.Take(run, self, Bound(a[1]), Bound(a[2]), Value.None);
        int at = last ? part.String.LastIndexOf(sought, StringComparison.Ordinal) : part.String.IndexOf(sought, StringComparison.Ordinal);
        if (at < 0)
            return -1L;
        int count = CodePoints.Count(self.String);
        long start = a[1].IsMissing || a[1].IsNone ? 0 : a[1].Int64 < 0 ? Math.Max(0, count + a[1].Int64) : a[1].Int64;
        return start > count ? -1L : start + CodePoints.Count(part.String[..at]);
    }

    private static Value Found(Rendering run, Value at) => at.Int64 >= 0 ? at : throw run.Error("a string has no such part");

    private static Value Count(Rendering run, Value self, CallArguments a)
    {
        string sought = Given.String(run, a[0], "what is counted"), text = Window(run, self, a) ?? "";
        run.Budget.Seek(text.Length, sought.Length);
        if (Window(run, self, a) is null)
            return 0L;
        return sought.Length == 0 ? CodePoints.Count(text) + 1L : text.AsSpan().Count(sought);
    }

    private static Value ZeroFill(Rendering run, Value self, CallArguments a)
    {
        int signs = self.String.StartsWith('+') || self.String.StartsWith('-') ? 1 : 0;
        Value digits = Padding.Left(run, self.Part(signs, self.String.Length - signs), Width(run, a[0]) - signs, "0");
        return Operators.Join(run, self.Part(0, signs), digits);
    }

    private static Value ExpandTabs(Rendering run, Value self, CallArguments a)
    {
        int size = Math.Max(0, Filters.Width(run, Given.Integer(run, a[0], 8, "a tab's size"))), column = 0;
        var text = new TextBuilder(run.Budget);
        foreach (Value one in Iteration.Items(run, self))
        {
            if (one.String == "\t")
            {
                int blanks = size == 0 ? 0 : size - (column % size);
                text.Append(new string(' ', blanks), self.IsCallers);
                column += blanks;
                continue;
            }

            text.Append(one);
            column = one.String is "\n" or "\r" ? 0 : column + 1;
        }

        return text.ToValue();
    }
}
