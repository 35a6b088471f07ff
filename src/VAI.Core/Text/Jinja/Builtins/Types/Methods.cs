using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Types;

/// <summary>Methods of Python's types, which templates call with a dot.</summary>
internal static class Methods
{
    private static readonly Dictionary<string, Builtin> OfText = Builtin.Table(TextMethods.All, TextKindMethods.All);
    private static readonly Dictionary<string, Builtin> OfDict = Builtin.Table(DictMethods.All);
    private static readonly Dictionary<string, Builtin> OfList = Builtin.Table(ListMethods.All);
    private static readonly Dictionary<string, Builtin> OfTuple = Builtin.Table(ListMethods.OfTuples);
    private static readonly Dictionary<string, Builtin> OfNumber = Builtin.Table(NumberMethods.All);

    public static IEnumerable<string> Names => new[] { OfText, OfDict, OfList, OfTuple, OfNumber }.SelectMany(table => table.Keys).Distinct();

    /// <summary>A value's method; null where it has none of that name.</summary>
    public static Builtin? Find(Value of, string name) => (of.Kind switch
    {
        ValueKind.Text => OfText,
        ValueKind.Dict => OfDict,
        ValueKind.List => OfList,
        ValueKind.Tuple => OfTuple,
        ValueKind.Integer or ValueKind.Float or ValueKind.Boolean => OfNumber,
        _ => null,
    })?.GetValueOrDefault(name);
}
