using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Types;

/// <summary>Methods of dictionaries. Those that change one are for the template's own.</summary>
internal static class DictMethods
{
    public static IEnumerable<Builtin> All =>
    [
        new("get", ["/key", "/default"], Get),
        new("items", [], (run, self, a) => Items(run, self)),
        new("keys", [], (run, self, a) => new ValueList(Iteration.Items(run, self)) { View = "dict_keys" }),
        new("values", [], Values),
        new("copy", [], (run, self, a) => Copy(run, self)),
        new("pop", ["/key", "/default"], Pop),
        new("setdefault", ["/key", "/default"], SetDefault),
        new("update", null, Update),
        new("clear", [], Clear),
    ];

    /// <summary>Pairs of keys and values.</summary>
    public static Value Items(Rendering run, Value self)
    {
        run.Budget.Spend(self.Dict.Count);
        var items = new List<Value>(self.Dict.Count);
        foreach ((Value key, Value value) in self.Dict)
            items.Add(Value.Tuple(key, value));
        return new ValueList(items) { View = "dict_items" };
    }

    public static ValueDict Copy(Rendering run, Value self)
    {
        run.Budget.Spend(self.Dict.Count);
        var copy = new ValueDict(self.Dict.Count);
        foreach ((Value key, Value value) in self.Dict)
            copy.Set(Lookup.Key(run, key), value);
        return copy;
    }

    private static Value Get(Rendering run, Value self, CallArguments a) =>
        self.Dict.TryGet(Lookup.Key(run, Given.Needed(run, a[0], "a key")), out Value value) ? value : a[1].IsMissing ? Value.None : a[1];

    private static Value Values(Rendering run, Value self, CallArguments a)
    {
        run.Budget.Spend(self.Dict.Count);
        return new ValueList([.. self.Dict.Values]) { View = "dict_values" };
    }

    private static Value Pop(Rendering run, Value self, CallArguments a)
    {
        Value key = Lookup.Key(run, Given.Needed(run, a[0], "a key"));

        // Those behind it move up.
        run.Budget.Spend(self.Dict.Count / 64);
        if (Own(run, self).Remove(key, out Value value))
            return value;
        return a[1].IsMissing ? throw run.Error("a dictionary has no such key to take out") : a[1];
    }

    private static Value SetDefault(Rendering run, Value self, CallArguments a)
    {
        Value key = Lookup.Key(run, Given.Needed(run, a[0], "a key"));
        if (self.Dict.TryGet(key, out Value value))
            return value;
        value = a[1].IsMissing ? Value.None : a[1];
        Own(run, self).Set(key, value);
        return value;
    }

    private static Value Update(Rendering run, Value self, CallArguments a)
    {
        ValueDict own = Own(run, self);
        if (a.Count > 0)
        {
            if (!a[0].IsDict)
                throw run.Error($"{What.Is(a[0])} is no dictionary");
            foreach ((Value key, Value value) in Copy(run, a[0]))
                own.Set(key, value);
        }

        foreach ((Value name, Value value) in a.Named)
            own.Set(name, value);
        return Value.None;
    }

    private static Value Clear(Rendering run, Value self, CallArguments a)
    {
        Own(run, self).Clear();
        return Value.None;
    }

    private static ValueDict Own(Rendering run, Value self) =>
        !self.Dict.IsCallers ? self.Dict : throw run.Error("a template may change the dictionaries that it made, and this one it was given");
}
