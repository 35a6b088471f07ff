using VAI.Text.Jinja.Builtins.Types;
using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Filtering;

/// <summary>Jinja2's filters (its documentation, "List of Builtin Filters"), and what models' templates add.</summary>
internal static class Filters
{
    private static readonly Dictionary<string, Builtin> All = Builtin.Table(Plain, TextFilters.All, ListFilters.All, ChoiceFilters.All, NumberFilters.All);

    private static IEnumerable<Builtin> Plain =>
    [
        new("default", ["default_value", "boolean"], Default),
        new("d", ["default_value", "boolean"], Default),
        new("attr", ["name"], (run, self, a) => Attribute(run, self, Given.String(run, a[0], "a name"))),
        new("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"], ToJson),
        new("from_json", [], (run, self, a) => JsonValues.Parse(run, self)),
        new("fromjson", [], (run, self, a) => JsonValues.Parse(run, self)),
        new("pprint", ["verbose"], (run, self, a) => run.Text.Represent(self)),

        // Autoescaping is off: what is safe is what it was.
        new("safe", [], (run, self, a) => run.Text.Write(self)),
    ];

    public static IEnumerable<string> Names => All.Keys;

    public static Builtin? Find(string name) => All.GetValueOrDefault(name);

    // Never an item of a dictionary.
    private static Value Attribute(Rendering run, Value self, string name)
    {
        run.Budget.Read(name.Length);
        return !self.IsDict || Methods.Find(self, name) is not null ? Lookup.Attribute(run, self, name) : Value.Undefined(name);
    }

    private static Value Default(Rendering run, Value self, CallArguments a) =>
        self.IsUndefined || (Given.Flag(a[1], false) && !Truth.Of(self)) ? (a[0].IsMissing ? "" : a[0]) : self;

    private static Value ToJson(Rendering run, Value self, CallArguments a)
    {
        string? indent = a[1].IsMissing || a[1].IsNone ? null
            : a[1].IsText ? a[1].String : new string(' ', Math.Max(0, Width(run, Given.Integer(run, a[1], 0, "an indentation"))));
        if (indent?.Length > MostWidth)
            Width(run, indent.Length);
        string comma = indent is null ? ", " : ",", colon = ": ";
        if (!a[2].IsMissing && !a[2].IsNone)
        {
            List<Value> separators = Iteration.Items(run, a[2]);
            if (separators is not [{ IsText: true }, { IsText: true }])
                throw run.Error("'separators' are two strings");
            (comma, colon) = (separators[0].String, separators[1].String);
        }

        return new JsonText(run.Budget, indent, comma, colon, Given.Flag(a[0], false), Given.Flag(a[3], false)).Write(self);
    }

    /// <summary>Columns of the widest indentation.</summary>
    public const int MostWidth = 1_000;

    /// <summary>Checks an indentation, and counts it.</summary>
    public static int Width(Rendering run, int width)
    {
        if (width > MostWidth)
            throw run.Error($"an indentation of more than {MostWidth} columns");
        run.Budget.Write(2L * Math.Max(0, width));
        return width;
    }
}
