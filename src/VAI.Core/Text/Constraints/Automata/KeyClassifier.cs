using VAI.Text.Constraints.Automata.Tables;

namespace VAI.Text.Constraints.Automata;

/// <summary>What a text is as the name of a property.</summary>
/// <param name="Name">Index of the name that it is; -1 for none.</param>
/// <param name="Patterns">Indices of the patterns that match it, sorted.</param>
internal sealed record KeyKind(int Name, int[] Patterns);

/// <summary>Reads the name of a property, and says at its end which of the known names it is, and which patterns match it.</summary>
internal sealed class KeyClassifier
{
    private readonly IReadOnlyList<KeyKind> _kinds;

    private KeyClassifier(Automaton automaton, IReadOnlyList<KeyKind> kinds) => (Automaton, _kinds) = (automaton, kinds);

    /// <summary>Accepts every text that is asked about; its labels are indices of <see cref="Kinds"/>.</summary>
    public Automaton Automaton { get; }

    /// <summary>All there are.</summary>
    public IReadOnlyList<KeyKind> Kinds => _kinds;

    /// <param name="names">Thousands of names cost little: each of their states is one of the result, with that of the patterns.</param>
    /// <param name="patterns">Some patterns.</param>
    /// <param name="within">The texts asked about; null: all.</param>
    /// <param name="fuel">What it may cost.</param>
    public static KeyClassifier Build(IReadOnlyList<string> names, IReadOnlyList<Automaton> patterns, Automaton? within, Fuel fuel)
    {
        if (patterns.Count == 0 && within is null && StringTrie.Build(names, labelled: true, fuel) is { } written)
            return OfNames(written);
        var matched = Labelled.Classify(patterns, within, fuel);
        var pairing = new Naming(matched);
        Table table = Product.Build(Automaton.Names(names, fuel).Table, matched.Automaton.Table, pairing, fuel);
        return new KeyClassifier(Shrinking.Finish(table, fuel), pairing.Kinds);
    }

    // Beside names anything, of which nothing is told: there is nothing to put together.
    private static KeyClassifier OfNames(Table names)
    {
        var kinds = new List<KeyKind> { new(-1, []) };
        int[] labels = new int[names.StateCount + 1];
        for (int state = 0; state < names.StateCount; state++)
        {
            if (names.Label(state) is not (>= 0 and int name))
                continue;
            labels[state] = kinds.Count;
            kinds.Add(new KeyKind(name, []));
        }

        return new KeyClassifier(new Automaton(names.Completed(labels)), kinds);
    }

    /// <summary>What the text is that ends in an accepting state.</summary>
    public KeyKind Key(int state) => _kinds[Automaton.Label(state)];

    // Only what the second one accepts is asked about.
    private sealed class Naming(Labelled matched) : Pairing
    {
        private readonly Dictionary<(int Name, int Label), int> _numbers = [];

        public List<KeyKind> Kinds { get; } = [];

        public override bool IsDead(int first, int second) => second < 0;

        public override bool Accepts(Table a, int first, Table b, int second) => b.Accepts(second);

        public override int Label(Table a, int first, Table b, int second)
        {
            (int Name, int Label) key = (first < 0 ? -1 : a.Label(first), Math.Max(0, b.Label(second)));
            if (!_numbers.TryGetValue(key, out int number))
            {
                _numbers.Add(key, number = Kinds.Count);
                Kinds.Add(new KeyKind(key.Name, matched.Labels[key.Label]));
            }

            return number;
        }
    }
}
