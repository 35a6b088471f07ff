using VAI.Text.Jinja.Builtins.Texts;
using VAI.Text.Jinja.Builtins.Types;
using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Filtering;

/// <summary>Filters of what has items.</summary>
internal static class ListFilters
{
    public static IEnumerable<Builtin> All =>
    [
        new("length", [], Length),
        new("count", [], Length),
        new("first", [], (run, self, a) => Iteration.Items(run, self) is [Value first, ..] ? first : Value.Undefined("first")),
        new("last", [], (run, self, a) => Iteration.Items(run, self) is [.., Value last] ? last : Value.Undefined("last")),
        new("list", [], (run, self, a) => new ValueList([.. Iteration.Items(run, self)])),
        new("items", [], Items),
        new("join", ["d", "attribute"], Join),
        new("reverse", [], Reverse),
        new("sort", ["reverse", "case_sensitive", "attribute"], Sort),
        new("dictsort", ["case_sensitive", "by", "reverse"], DictSort),
        new("unique", ["case_sensitive", "attribute"], Unique),
        new("min", ["case_sensitive", "attribute"], (run, self, a) => Extreme(run, self, a, -1)),
        new("max", ["case_sensitive", "attribute"], (run, self, a) => Extreme(run, self, a, 1)),
        new("batch", ["linecount", "fill_with"], Batch),
        new("slice", ["slices", "fill_with"], Slice),
        new("groupby", ["attribute", "default", "case_sensitive"], GroupBy),
    ];

    private static Value Length(Rendering run, Value self, CallArguments a)
    {
        run.Budget.Read(self.IsText ? self.String.Length : 0);
        return Iteration.Count(self) is >= 0 and int count ? (long)count : throw run.Error($"{What.Is(self)} has no length");
    }

    private static Value Items(Rendering run, Value self, CallArguments a) => self.IsUndefined ? new ValueList([])
        : self.IsDict ? DictMethods.Items(run, self) : throw run.Error($"{What.Is(self)} is no dictionary");

    private static Value Join(Rendering run, Value self, CallArguments a)
    {
        Value between = a[0].IsMissing ? "" : run.Text.Write(a[0]);
        var text = new TextBuilder(run.Budget);
        List<Value> items = Iteration.Items(run, self);
        for (int i = 0; i < items.Count; i++)
        {
            if (i > 0)
                text.Append(between);
            text.Append(run.Text.Write(a[1].IsMissing || a[1].IsNone ? items[i] : Lookup.Path(run, items[i], a[1])));
        }

        return text.ToValue();
    }

    private static Value Reverse(Rendering run, Value self, CallArguments a)
    {
        if (self.IsText)
            return Slices.Take(run, self, Value.None, Value.None, -1L);
        return new ValueList([.. Iteration.Items(run, self).AsEnumerable().Reverse()]);
    }

    private static Value Sort(Rendering run, Value self, CallArguments a)
    {
        List<Value> items = Iteration.Items(run, self);
        bool sensitive = Given.Flag(a[1], false);
        return new ValueList(Sorting.Sort(items, item => Keys(run, item, a[2], sensitive), run.Order, Given.Flag(a[0], false)));
    }

    private static Value DictSort(Rendering run, Value self, CallArguments a)
    {
        if (!self.IsDict)
            throw run.Error($"{What.Is(self)} is no dictionary");
        bool sensitive = Given.Flag(a[0], false);
        int by = Given.String(run, a[1], "key", "what to sort by") switch
        {
            "key" => 0,
            "value" => 1,
            _ => throw run.Error("'dictsort' sorts by \"key\" or \"value\""),
        };
        return new ValueList(Sorting.Sort(DictMethods.Items(run, self).List.Items, pair => Folded(run, pair.List[by], sensitive), run.Order, Given.Flag(a[2], false)));
    }

    private static Value Unique(Rendering run, Value self, CallArguments a)
    {
        bool sensitive = Given.Flag(a[0], false);
        var seen = new ValueDict();
        var items = new List<Value>();
        foreach (Value item in Iteration.Items(run, self))
        {
            Value key = Lookup.Key(run, Key(run, item, a[1], sensitive));
            if (seen.TryGet(key, out _))
                continue;
            seen.Set(key, true);
            items.Add(item);
        }

        return new ValueList(items);
    }

    private static Value Extreme(Rendering run, Value self, CallArguments a, int sign)
    {
        bool sensitive = Given.Flag(a[0], false);
        Value best = default, bestKey = default;
        foreach (Value item in Iteration.Items(run, self))
        {
            Value key = Key(run, item, a[1], sensitive);
            if (best.IsMissing || run.Order.Compare(key, bestKey) * sign > 0)
                (best, bestKey) = (item, key);
        }

        return best.IsMissing ? Value.Undefined("item") : best;
    }

    private static Value Batch(Rendering run, Value self, CallArguments a)
    {
        int count = Given.Integer(run, Given.Needed(run, a[0], "'linecount'"), 0, "'linecount'");
        List<Value> items = Iteration.Items(run, self), batches = [], batch = [];
        foreach (Value item in items)
        {
            if (batch.Count == count)
            {
                batches.Add(new ValueList(batch));
                batch = [];
            }

            batch.Add(item);
        }

        if (batch.Count > 0)
        {
            if (!a[1].IsMissing && !a[1].IsNone && batch.Count < count)
            {
                run.Budget.Spend(count - batch.Count);
                batch.AddRange(Enumerable.Repeat(a[1], count - batch.Count));
            }

            batches.Add(new ValueList(batch));
        }

        return new ValueList(batches);
    }

    private static Value Slice(Rendering run, Value self, CallArguments a)
    {
        int slices = Given.Integer(run, Given.Needed(run, a[0], "'slices'"), 0, "'slices'");
        if (slices <= 0)
            throw run.Error("'slices' is less than 1");
        run.Budget.Spend(slices);
        List<Value> items = Iteration.Items(run, self), all = [];
        (int each, int more) = Math.DivRem(items.Count, slices);
        int at = 0;
        for (int i = 0; i < slices; i++)
        {
            int length = each + (i < more ? 1 : 0);
            List<Value> part = items.GetRange(at, length);
            at += length;
            if (!a[1].IsMissing && !a[1].IsNone && i >= more)
                part.Add(a[1]);
            all.Add(new ValueList(part));
        }

        return new ValueList(all);
    }

    private static Value GroupBy(Rendering run, Value self, CallArguments a)
    {
        bool sensitive = Given.Flag(a[2], false);
        Value path = Given.Needed(run, a[0], "'attribute'");
        List<Value> groups = [];
        Value last = default;
        foreach (Value item in Sorting.Sort(Iteration.Items(run, self), i => Folded(run, Grouper(i), sensitive), run.Order))
        {
            Value key = Folded(run, Grouper(item), sensitive);
            if (groups.Count == 0 || !ValueEquality.Equal(key, last, run.Budget))
                groups.Add(Value.Tuple(new ValueList([Grouper(item), new ValueList([])], names: ["grouper", "list"])));
            last = key;
            groups[^1].List[1].List.Items.Add(item);
        }

        return new ValueList(groups);

        Value Grouper(Value item) => Lookup.Path(run, item, path, a[1]);
    }

    // By one or several attributes with commas between them: a list in any case, whose items are compared only where they differ.
    private static Value Keys(Rendering run, Value item, Value paths, bool sensitive) => Value.Tuple(paths.IsText
        ? [.. paths.String.Split(',').Select(p => Key(run, item, p, sensitive))] : [Key(run, item, paths, sensitive)]);

    private static Value Key(Rendering run, Value item, Value path, bool sensitive) =>
        Folded(run, path.IsMissing || path.IsNone ? item : Lookup.Path(run, item, path), sensitive);

    // Keys are kept until all are sorted: each is memory.
    private static Value Folded(Rendering run, Value value, bool sensitive)
    {
        if (!value.IsText || sensitive)
            return value;
        run.Budget.Write(value.String.Length);
        return value.Become(PythonCase.Lower(value.String));
    }
}
