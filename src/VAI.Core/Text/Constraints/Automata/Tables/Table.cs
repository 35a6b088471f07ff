namespace VAI.Text.Constraints.Automata.Tables;

/// <summary>
/// The transitions of an automaton. Most classes of most states lead to the same: a row is where these lead, and those that lead elsewhere. A trie of
/// many names over a large alphabet costs no more than its characters, and neither does its complement.
/// </summary>
/// <param name="alphabet">The classes.</param>
/// <param name="starts">Where each row starts in the two below, and where the last ends.</param>
/// <param name="defaults">Where a state's other classes lead; -1 for nowhere. At least one class takes it.</param>
/// <param name="classes">Those of each row that lead elsewhere, sorted.</param>
/// <param name="targets">Where they lead; -1 for nowhere.</param>
/// <param name="accepting">Which states accept.</param>
/// <param name="labels">Of each state; -1 for none. Null: no state has one.</param>
internal sealed class Table(Alphabet alphabet, int[] starts, int[] defaults, int[] classes, int[] targets, Bits accepting, int[]? labels)
{
    public const int Dead = -1;

    public Alphabet Alphabet => alphabet;

    public int StateCount => defaults.Length;

    /// <summary>Transitions that are written out.</summary>
    public int EdgeCount => classes.Length;

    public bool Accepts(int state) => accepting[state];

    public int Label(int state) => labels is null ? -1 : labels[state];

    public int Default(int state) => defaults[state];

    /// <summary>The classes that do not lead where the others do.</summary>
    public ReadOnlySpan<int> Classes(int state) => classes.AsSpan(starts[state]..starts[state + 1]);

    /// <summary>Where they lead.</summary>
    public ReadOnlySpan<int> Targets(int state) => targets.AsSpan(starts[state]..starts[state + 1]);

    /// <summary>The same, where every other text leads to one more state, and all states accept.</summary>
    /// <param name="labels">Of each state, and of that one.</param>
    public Table Completed(int[] labels)
    {
        int[] others = new int[StateCount + 1];
        Array.Fill(others, StateCount);
        return new Table(alphabet, [.. starts, starts[^1]], others, classes, targets, Bits.All(others.Length), labels);
    }

    /// <summary>Where a class leads.</summary>
    public int Target(int state, int of)
    {
        int low = starts[state];
        int high = starts[state + 1] - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            int found = classes[middle];
            if (found == of)
                return targets[middle];
            if (found < of)
                low = middle + 1;
            else
                high = middle - 1;
        }

        return defaults[state];
    }

    /// <summary>Transitions that lead somewhere, one for each class.</summary>
    public long CountTransitions()
    {
        long count = 0;
        for (int state = 0; state < StateCount; state++)
        {
            count += defaults[state] >= 0 ? alphabet.Count - Classes(state).Length : 0;
            foreach (int target in Targets(state))
                count += target >= 0 ? 1 : 0;
        }

        return count;
    }
}
