namespace VAI.Text.Constraints.Automata.Tables;

/// <summary>Two automata that read the same text side by side.</summary>
internal sealed class Product
{
    // A pair is looked for among all, and most often somewhere else in memory than the last.
    private const int StepsOfPair = 3;

    private readonly Table _a;
    private readonly Table _b;
    private readonly Pairing _pairing;
    private readonly Fuel _fuel;
    private readonly Dictionary<long, int> _numbers = [];
    private readonly List<(int First, int Second)> _pairs = [];

    private Product(Table a, Table b, Pairing pairing, Fuel fuel)
    {
        (_a, _b) = Translation.Common(a, b, fuel);
        (_pairing, _fuel) = (pairing, fuel);
        Number(0, 0);
    }

    /// <summary>All pairs that are reached; with the labels that the pairing gives them.</summary>
    public static Table Build(Table a, Table b, Pairing pairing, Fuel fuel)
    {
        var product = new Product(a, b, pairing, fuel);
        var builder = new TableBuilder(product._a.Alphabet, fuel);
        for (int state = 0; state < product._pairs.Count; state++)
        {
            (int first, int second) = product._pairs[state];
            bool accepts = product.Accepts(state);
            int otherwise = product.Row(state, builder);
            builder.EndRow(otherwise, accepts, accepts ? pairing.Label(product._a, first, product._b, second) : -1);
        }

        return builder.Build();
    }

    /// <summary>Whether any text is accepted.</summary>
    public static bool Any(Table a, Table b, Pairing pairing, Fuel fuel)
    {
        var product = new Product(a, b, pairing, fuel);
        for (int state = 0; state < product._pairs.Count; state++)
        {
            if (product.Accepts(state))
                return true;
            fuel.Step();
            product.Row(state, null);
        }

        return false;
    }

    private bool Accepts(int state) => _pairing.Accepts(_a, _pairs[state].First, _b, _pairs[state].Second);

    // Says where the classes lead that have no edge.
    private int Row(int state, TableBuilder? builder)
    {
        (int first, int second) = _pairs[state];
        ReadOnlySpan<int> ofA = first < 0 ? [] : _a.Classes(first);
        ReadOnlySpan<int> ofB = second < 0 ? [] : _b.Classes(second);
        int usualA = first < 0 ? Table.Dead : _a.Default(first);
        int usualB = second < 0 ? Table.Dead : _b.Default(second);
        int edges = 0;
        for (int i = 0, j = 0; i < ofA.Length || j < ofB.Length; edges++)
        {
            int of = Math.Min(i < ofA.Length ? ofA[i] : int.MaxValue, j < ofB.Length ? ofB[j] : int.MaxValue);
            int toA = i < ofA.Length && ofA[i] == of ? _a.Targets(first)[i++] : usualA;
            int toB = j < ofB.Length && ofB[j] == of ? _b.Targets(second)[j++] : usualB;
            int target = Number(toA, toB);
            _fuel.Step(StepsOfPair);
            builder?.Edge(of, target);
        }

        return edges == _a.Alphabet.Count ? Table.Dead : Number(usualA, usualB);
    }

    private int Number(int first, int second)
    {
        if (_pairing.IsDead(first, second))
            return Table.Dead;
        long key = ((first + 1L) * (_b.StateCount + 1L)) + second + 1;
        if (_numbers.TryGetValue(key, out int number))
            return number;
        _fuel.State();
        _fuel.Step(2 * StepsOfPair);
        number = _pairs.Count;
        _numbers.Add(key, number);
        _pairs.Add((first, second));
        return number;
    }
}
