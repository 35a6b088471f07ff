using VAI.Text.Jinja.Builtins.Formats;
using VAI.Text.Jinja.Builtins.Types;
using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins;

/// <summary>Names that every template has: Jinja2's, and those that models' templates are given beside them.</summary>
internal static class Globals
{
    // Python's own sandbox has this bound (jinja2.sandbox.MAX_RANGE).
    private const int MostOfRange = 100_000;

    private static readonly Dictionary<string, Value> All = new()
    {
        ["range"] = new NativeFunction("range", Range),
        ["dict"] = new NativeFunction("dict", (run, a) => MakeDict(run, a)),
        ["namespace"] = new NativeFunction("namespace", MakeNamespace),
        ["cycler"] = new NativeFunction("cycler", (run, a) => a.Count > 0 ? new Cycler(a.Positional) : throw run.Error("'cycler' needs items")),
        ["joiner"] = new NativeFunction("joiner", (run, a) => new Joiner(a[0].IsMissing ? a["sep"].IsMissing ? ", " : a["sep"] : a[0])),
        ["raise_exception"] = new NativeFunction("raise_exception", (run, a) => throw run.Refused(run.Text.Write(a[0].IsMissing ? "" : a[0]).String)),
        ["strftime_now"] = new NativeFunction("strftime_now", (run, a) => a[0].Become(PythonTime.Format(run, Given.String(run, a[0], "a format")))),
    };

    public static Value? Find(string name) => All.TryGetValue(name, out Value value) ? value : (Value?)null;

    private static Value Range(Rendering run, CallArguments a)
    {
        a = a.Bind(run, "range", ["start", "stop", "step"]);
        long first = a.Count > 1 ? Integer(0) : 0, end = a.Count > 1 ? Integer(1) : Integer(0), step = a.Count > 2 ? Integer(2) : 1;
        if (step == 0)
            throw run.Error("the step of 'range' is zero");
        long count = Math.Max(0, (end - first + step - Math.Sign(step)) / step);
        if (count > MostOfRange)
            throw run.Error($"'range' would have {count} items, and {MostOfRange} is the most");
        run.Budget.Spend(count);
        var items = new List<Value>((int)count);
        for (long i = 0; i < count; i++)
            items.Add(first + (i * step));
        return new ValueList(items) { Range = step == 1 ? $"range({first}, {end})" : $"range({first}, {end}, {step})" };

        int Integer(int at) => Given.Integer(run, a[at].IsNone ? throw run.Error("none is no argument of 'range'") : Given.Needed(run, a[at], "an argument of 'range'"), 0, "an argument of 'range'");
    }

    private static ValueDict MakeDict(Rendering run, CallArguments a)
    {
        var dict = new ValueDict();
        if (a.Count > 1)
            throw run.Error("'dict' takes one dictionary or list of pairs, and names");
        if (a.Count == 1 && a[0].IsDict)
        {
            dict = DictMethods.Copy(run, a[0]);
        }
        else if (a.Count == 1 && a[0].IsUndefined)
        {
            throw run.Error($"{a[0].Hint} is no dictionary");
        }
        else if (a.Count == 1)
        {
            foreach (Value pair in Iteration.Items(run, a[0]))
            {
                if (Iteration.Items(run, pair) is not [Value key, Value value])
                    throw run.Error("'dict' takes pairs");
                dict.Set(Lookup.Key(run, key), value);
            }
        }

        foreach ((Value name, Value value) in a.Named)
            dict.Set(name, value);
        return dict;
    }

    private static Value MakeNamespace(Rendering run, CallArguments a)
    {
        var space = new ValueNamespace();
        foreach ((Value name, Value value) in MakeDict(run, a))
            space.Set(name.IsText ? name.String : throw run.Error("a name of a namespace is a string"), value);
        return space;
    }

    private sealed class Cycler(Value[] items) : ValueObject
    {
        private int _at;

        public override string Name => "<Cycler>";

        public override Value Attribute(string name) => name switch
        {
            "current" => items[_at],
            "next" => new NativeFunction("next", (run, a) =>
            {
                Value current = items[_at];
                _at = (_at + 1) % items.Length;
                return current;
            }),
            "reset" => new NativeFunction("reset", (run, a) =>
            {
                _at = 0;
                return Value.None;
            }),
            _ => default,
        };
    }

    private sealed class Joiner(Value separator) : ValueObject
    {
        private bool _used;

        public override string Name => "<Joiner>";

        public override bool IsCallable => true;

        public override Value Call(Rendering run, CallArguments arguments)
        {
            bool first = !_used;
            _used = true;
            return first ? "" : separator;
        }
    }
}
