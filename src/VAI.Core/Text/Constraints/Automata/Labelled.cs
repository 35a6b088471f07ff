using VAI.Text.Constraints.Automata.Tables;

namespace VAI.Text.Constraints.Automata;

/// <summary>Several automata that read the same text at once.</summary>
/// <param name="Automaton">Accepts every text that is asked about; an accepting state's label is an index of <see cref="Labels"/>.</param>
/// <param name="Labels">Distinct sets: which of the automata accept there, sorted.</param>
internal sealed record Labelled(Automaton Automaton, IReadOnlyList<int[]> Labels)
{
    // Of tables that are made on the way, however small.
    private const int StepsOfEach = 2_000;

    /// <summary>Which of some automata accept each text.</summary>
    /// <param name="of">Some automata.</param>
    /// <param name="within">The texts asked about; null: all.</param>
    /// <param name="fuel">What it may cost.</param>
    public static Labelled Classify(IReadOnlyList<Automaton> of, Automaton? within, Fuel fuel)
    {
        Automaton all = (within ?? Automaton.AnyText()).Intersect(Automaton.AnyText(), fuel);
        int[][] labels = [[]];
        for (int i = 0; i < of.Count; i++)
        {
            fuel.Step(StepsOfEach);
            var pairing = new Adding(labels, i);
            all = Shrinking.Finish(Product.Build(all.Table, of[i].Table, pairing, fuel), fuel);
            labels = [.. pairing.Labels];
        }

        // Where there is nothing to classify by, no label was written.
        return new Labelled(all, labels);
    }

    /// <summary>Which accept in a state; null where it does not accept.</summary>
    public int[]? At(int state) => !Automaton.Accepts(state) ? null : Labels[Math.Max(0, Automaton.Label(state))];

    // The first automaton of a pair has labels already, but for the very first.
    private sealed class Adding(int[][] old, int index) : Pairing
    {
        private readonly Dictionary<(int Old, bool Accepts), int> _numbers = [];

        public List<int[]> Labels { get; } = [];

        public override bool IsDead(int first, int second) => first < 0;

        public override bool Accepts(Table a, int first, Table b, int second) => a.Accepts(first);

        public override int Label(Table a, int first, Table b, int second)
        {
            (int Old, bool Accepts) key = (Math.Max(0, a.Label(first)), Accepts(b, second));
            if (!_numbers.TryGetValue(key, out int number))
            {
                _numbers.Add(key, number = Labels.Count);
                Labels.Add(key.Accepts ? [.. old[key.Old], index] : old[key.Old]);
            }

            return number;
        }
    }
}
