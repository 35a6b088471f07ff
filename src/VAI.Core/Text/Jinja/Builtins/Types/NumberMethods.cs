using System.Numerics;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Types;

/// <summary>What Python's numbers have behind a dot.</summary>
internal static class NumberMethods
{
    public static IEnumerable<Builtin> All =>
    [
        new("is_integer", [], (run, self, a) => self.Kind == ValueKind.Float ? double.IsInteger(self.Float) : throw run.Error($"{What.Is(self)} has no 'is_integer'")),
        new("bit_length", [], (run, self, a) => self.IsInteger
            ? (long)BigInteger.Abs(self.BigInteger).GetBitLength() : throw run.Error($"{What.Is(self)} has no bits")),
    ];

    /// <summary>An attribute; missing where it has none of that name.</summary>
    public static Value Attribute(Value number, string name) => name switch
    {
        "real" => number.Kind == ValueKind.Float ? number : number.BigInteger,
        "imag" => number.Kind == ValueKind.Float ? (Value)0.0 : 0L,
        "numerator" when number.IsInteger => number.BigInteger,
        "denominator" when number.IsInteger => 1L,
        _ => default,
    };
}
