using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Filtering;

/// <summary>Filters that apply another filter or a test to each item.</summary>
internal static class ChoiceFilters
{
    public static IEnumerable<Builtin> All =>
    [
        new("map", null, Map),
        new("select", null, (run, self, a) => Choose(run, self, a, byAttribute: false, wanted: true)),
        new("reject", null, (run, self, a) => Choose(run, self, a, byAttribute: false, wanted: false)),
        new("selectattr", null, (run, self, a) => Choose(run, self, a, byAttribute: true, wanted: true)),
        new("rejectattr", null, (run, self, a) => Choose(run, self, a, byAttribute: true, wanted: false)),
    ];

    private static Value Map(Rendering run, Value self, CallArguments a)
    {
        // Content that is null has nothing to choose from, and is no error here.
        if (!Truth.Of(self))
            return new ValueList([]);
        List<Value> items = Iteration.Items(run, self);
        var mapped = new List<Value>(items.Count);
        Value attribute = a["attribute"], otherwise = a["default"];
        if (a.Count == 0)
        {
            Given.Needed(run, attribute, "a filter's name or an attribute of 'map'");
            if (a.Named.Any(n => n.Name.String is not ("attribute" or "default")))
                throw run.Error("'map' takes an attribute and a default by name");
            foreach (Value item in items)
                mapped.Add(Lookup.Path(run, item, attribute, otherwise));

            return new ValueList(mapped);
        }

        string filter = Given.String(run, a[0], "a filter's name");
        foreach (Value item in items)
            mapped.Add(run.ApplyFilter(filter, item, a.Skip(1)));
        return new ValueList(mapped);
    }

    private static Value Choose(Rendering run, Value self, CallArguments a, bool byAttribute, bool wanted)
    {
        if (!Truth.Of(self))
            return new ValueList([]);
        int skip = byAttribute ? 1 : 0;
        Value attribute = byAttribute ? Given.Needed(run, a[0], "an attribute") : default;
        string? test = a.Count > skip ? Given.String(run, a[skip], "a test's name") : null;
        CallArguments rest = a.Skip(skip + 1);
        var chosen = new List<Value>();
        foreach (Value item in Iteration.Items(run, self))
        {
            Value value = byAttribute ? Lookup.Path(run, item, attribute) : item;
            if ((test is null ? Truth.Of(value) : run.ApplyTest(test, value, rest)) == wanted)
                chosen.Add(item);
        }

        return new ValueList(chosen);
    }
}
