using System.Numerics;

namespace VAI.Text.Jinja.Values;

/// <summary>Python's equality: 1 is 1.0 and is true, texts are alike by their characters, lists and dictionaries by what they hold.</summary>
internal sealed class ValueEquality : IEqualityComparer<Value>
{
    // Lists within each other: a template can build what a comparison would not come back from.
    public const int MostDepth = 100;

    public static ValueEquality Instance { get; } = new();

    public bool Equals(Value x, Value y) => Equal(x, y, null, 0);

    /// <summary>The same, with each comparison of items counted.</summary>
    /// <exception cref="TemplateError">More than a rendering may do.</exception>
    public static bool Equal(Value x, Value y, Budget? budget) => Equal(x, y, budget, 0);

    // Seeded, so that nobody can write keys that all share one.
    public int GetHashCode(Value value) => value.Kind switch
    {
        ValueKind.Text => value.String.GetHashCode(),
        ValueKind.Boolean or ValueKind.Integer when !value.IsBig => Hash(value.Int64),
        ValueKind.Integer => value.BigInteger.GetHashCode(),

        // A float that is an integer is that key.
        ValueKind.Float when double.IsInteger(value.Float) => Math.Abs(value.Float) < 1e18 ? Hash((long)value.Float) : GetHashCode(new BigInteger(value.Float)),
        ValueKind.Float => Hash(BitConverter.DoubleToInt64Bits(value.Float)),
        ValueKind.Tuple => value.List.Items.Aggregate(value.List.Count, (hash, item) => HashCode.Combine(hash, GetHashCode(item))),
        ValueKind.Object => value.Object.GetHashCode(),
        _ => (int)value.Kind,
    };

    private static int Hash(long value) => HashCode.Combine((int)value, (int)(value >> 32));

    private static bool Equal(Value x, Value y, Budget? budget, int depth)
    {
        if (x.IsNumber && y.IsNumber)
            return Numbers(x, y);
        if (x.Kind != y.Kind)
            return false;
        switch (x.Kind)
        {
            case ValueKind.Text:
                if (x.String.Length == y.String.Length)
                    budget?.Read(x.String.Length);
                return x.String == y.String;
            case ValueKind.List or ValueKind.Tuple:
                if (ReferenceEquals(x.List, y.List))
                    return true;
                if (x.List.Count != y.List.Count || depth > MostDepth)
                    return Deep(depth, budget);
                for (int i = 0; i < x.List.Count; i++)
                {
                    budget?.Step();
                    if (!Equal(x.List[i], y.List[i], budget, depth + 1))
                        return false;
                }

                return true;
            case ValueKind.Dict:
                if (ReferenceEquals(x.Dict, y.Dict))
                    return true;
                if (x.Dict.Count != y.Dict.Count || depth > MostDepth)
                    return Deep(depth, budget);
                foreach ((Value key, Value value) in x.Dict)
                {
                    budget?.Step();
                    budget?.Read(key.IsText ? key.String.Length : 0);
                    if (!y.Dict.TryGet(key, out Value other) || !Equal(value, other, budget, depth + 1))
                        return false;
                }

                return true;
            case ValueKind.Object:
                return ReferenceEquals(x.Object, y.Object);
            default:
                return true;
        }
    }

    private static bool Deep(int depth, Budget? budget) => depth > MostDepth && budget is not null
        ? throw budget.Error($"more than {MostDepth} lists are within each other") : false;

    private static bool Numbers(Value x, Value y)
    {
        if (x.Kind == ValueKind.Float || y.Kind == ValueKind.Float)
        {
            // An integer of 64 bits is compared as itself, not as the float next to it.
            if (x.IsInteger || y.IsInteger)
            {
                (Value whole, double real) = x.IsInteger ? (x, y.Float) : (y, x.Float);
                return double.IsInteger(real) && new BigInteger(real) == whole.BigInteger;
            }

            return x.Float == y.Float;
        }

        return x.IsBig || y.IsBig ? x.BigInteger == y.BigInteger : x.Int64 == y.Int64;
    }
}
