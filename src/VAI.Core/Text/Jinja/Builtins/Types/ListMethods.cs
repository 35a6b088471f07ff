using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Types;

/// <summary>Methods of lists. Those that change one are for the template's own.</summary>
internal static class ListMethods
{
    public static IEnumerable<Builtin> All =>
    [
        .. OfTuples,
        new("append", ["/object"], (run, self, a) => Insert(run, self, int.MaxValue, Given.Needed(run, a[0], "an item"))),
        new("insert", ["/index", "/object"], (run, self, a) =>
            Insert(run, self, Given.Integer(run, Given.Needed(run, a[0], "an index"), 0, "an index"), Given.Needed(run, a[1], "an item"))),
        new("extend", ["/iterable"], Extend),
        new("pop", ["/index"], Pop),
        new("remove", ["/value"], Remove),
        new("reverse", [], Reverse),
        new("clear", [], Clear),
        new("copy", [], (run, self, a) => new ValueList([.. Iteration.Items(run, self)])),
    ];

    public static IEnumerable<Builtin> OfTuples =>
    [
        new("index", ["/value", "/start", "/stop"], Index),
        new("count", ["/value"], (run, self, a) =>
            (long)Iteration.Items(run, self).Count(i => Operators.Equal(run, i, Given.Needed(run, a[0], "a value")))),
    ];

    private static Value Index(Rendering run, Value self, CallArguments a)
    {
        Value part = Slices.Take(run, self, 0L, a[2].IsMissing ? Value.None : a[2], Value.None);
        int start = Given.Integer(run, a[1], 0, "an index");
        start = start < 0 ? Math.Max(0, start + self.List.Count) : start;
        for (int i = start; i < part.List.Count; i++)
        {
            if (Operators.Equal(run, part.List[i], Given.Needed(run, a[0], "a value")))
                return (long)i;
        }

        throw run.Error("a list has no such item");
    }

    private static int Find(Rendering run, Value self, Value value) => Iteration.Items(run, self).FindIndex(i => Operators.Equal(run, i, value));

    private static Value Insert(Rendering run, Value self, int index, Value item)
    {
        List<Value> own = Own(run, self);
        if (index < 0)
            index += own.Count;
        index = Math.Clamp(index, 0, own.Count);
        run.Budget.Spend((own.Count - index) / 64);
        own.Insert(index, item);
        return Value.None;
    }

    private static Value Extend(Rendering run, Value self, CallArguments a)
    {
        List<Value> own = Own(run, self);
        own.AddRange([.. Iteration.Items(run, Given.Needed(run, a[0], "what a list is extended by"))]);
        return Value.None;
    }

    private static Value Pop(Rendering run, Value self, CallArguments a)
    {
        List<Value> own = Own(run, self);
        int index = Given.Integer(run, a[0], -1, "an index");
        if (index < 0)
            index += own.Count;
        if (index < 0 || index >= own.Count)
            throw run.Error($"a list of {own.Count} items has no such item to take out");
        run.Budget.Spend((own.Count - index) / 64);
        Value item = own[index];
        own.RemoveAt(index);
        return item;
    }

    private static Value Remove(Rendering run, Value self, CallArguments a)
    {
        List<Value> own = Own(run, self);
        int at = Find(run, self, Given.Needed(run, a[0], "a value"));
        if (at < 0)
            throw run.Error("a list has no such item to take out");
        own.RemoveAt(at);
        return Value.None;
    }

    private static Value Reverse(Rendering run, Value self, CallArguments a)
    {
        run.Budget.Spend(self.List.Count);
        Own(run, self).Reverse();
        return Value.None;
    }

    private static Value Clear(Rendering run, Value self, CallArguments a)
    {
        Own(run, self).Clear();
        return Value.None;
    }

    private static List<Value> Own(Rendering run, Value self) =>
        !self.List.IsCallers ? self.List.Items : throw run.Error("a template may change the lists that it made, and this one it was given");
}
