using VAI.Text.Jinja.Builtins.Filtering;
using VAI.Text.Jinja.Builtins.Texts;
using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Syntax;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins;

/// <summary>Jinja2's tests (its documentation, "List of Builtin Tests").</summary>
internal static class Tests
{
    private static readonly Dictionary<string, Builtin> All = Builtin.Table(
        Kinds,
        Compare(Comparison.Equal, "eq", "equalto", "=="),
        Compare(Comparison.NotEqual, "ne", "!="),
        Compare(Comparison.Less, "lt", "lessthan", "<"),
        Compare(Comparison.LessOrEqual, "le", "<="),
        Compare(Comparison.Greater, "gt", "greaterthan", ">"),
        Compare(Comparison.GreaterOrEqual, "ge", ">="),
        Compare(Comparison.In, "in"));

    private static IEnumerable<Builtin> Kinds =>
    [
        Is("defined", v => !v.IsUndefined),
        Is("undefined", v => v.IsUndefined),
        Is("none", v => v.IsNone),
        Is("true", v => v.Kind == ValueKind.Boolean && v.Boolean),
        Is("false", v => v.Kind == ValueKind.Boolean && !v.Boolean),
        Is("boolean", v => v.Kind == ValueKind.Boolean),
        Is("integer", v => v.Kind == ValueKind.Integer),
        Is("float", v => v.Kind == ValueKind.Float),
        Is("number", v => v.IsNumber),
        Is("string", v => v.IsText),
        Is("mapping", v => v.IsDict),
        Is("iterable", v => v.IsText || v.IsList || v.IsDict || v.IsUndefined || (v.Kind == ValueKind.Object && v.Object is Loop)),
        Is("sequence", v => v.IsText || (v.IsList && v.List.View is null) || v.IsDict || v.IsUndefined),
        Is("callable", v => v.IsUndefined || (v.Kind == ValueKind.Object && v.Object.IsCallable)),
        Is("escaped", _ => false),
        new("lower", [], (run, self, a) => PythonCase.Is(Given.Text(run, self).String, upper: false)),
        new("upper", [], (run, self, a) => PythonCase.Is(Given.Text(run, self).String, upper: true)),
        new("filter", [], (run, self, a) => self.IsText && Filters.Find(Given.Text(run, self).String) is not null),
        new("test", [], (run, self, a) => self.IsText && Find(Given.Text(run, self).String) is not null),
        new("even", [], (run, self, a) => Rest(run, self, 2L) is { IsNumber: true, Float: 0 }),
        new("odd", [], (run, self, a) => Rest(run, self, 2L) is { IsNumber: true, Float: 1 }),
        new("divisibleby", ["num"], (run, self, a) => Rest(run, self, Given.Needed(run, a[0], "a number")) is { IsNumber: true, Float: 0 }),
        new("sameas", ["other"], (run, self, a) => self.Kind == Given.Needed(run, a[0], "what is compared with").Kind
            && (self.Reference is not null && !self.IsText && !self.IsBig ? ReferenceEquals(self.Reference, a[0].Reference) : Operators.Equal(run, self, a[0]))),
    ];

    public static IEnumerable<string> Names => All.Keys;

    public static Builtin? Find(string name) => All.GetValueOrDefault(name);

    private static Builtin Is(string name, Func<Value, bool> test) => new(name, [], (run, self, a) => test(self));

    private static IEnumerable<Builtin> Compare(Comparison comparison, params string[] names) => names.Select(name =>
        new Builtin(name, ["other"], (run, self, a) => Operators.Compare(run, comparison, self, Given.Needed(run, a[0], $"what '{name}' compares with"))));

    private static Value Rest(Rendering run, Value value, Value by) => value.IsNumber
        ? Operators.Apply(run, BinaryOperator.Modulo, value, by) : throw run.Error($"{What.Is(value)} is no number");
}
