namespace VAI.Text.Constraints.Automata.Tables;

/// <summary>
/// The fewest states for the language of a trimmed table: "Fast brief practical DFA minimization" (Valmari 2012), which takes the transitions that
/// there are, not all that there could be.
/// </summary>
/// <param name="table">Each of its states is reached, and reaches one that accepts.</param>
/// <param name="transitions">How many it has.</param>
/// <param name="fuel">What it may cost.</param>
internal sealed class Minimizer(Table table, int transitions, Fuel fuel)
{
    /// <summary>For each transition, at most.</summary>
    public const int StepsOfTransition = 4;

    private readonly int[] _tails = new int[transitions];
    private readonly int[] _classes = new int[transitions];
    private readonly int[] _heads = new int[transitions];

    public Table Minimize()
    {
        fuel.Step((long)transitions * StepsOfTransition);
        List();
        var marks = new Marks(Math.Max(transitions, table.StateCount) + 1);
        var blocks = new Partition(table.StateCount, marks);
        foreach (IGrouping<int, int> kind in Enumerable.Range(0, table.StateCount).GroupBy(Kind).Skip(1))
        {
            foreach (int state in kind)
                blocks.Mark(state);
            blocks.Split();
        }

        var cords = new Partition(transitions, marks);
        cords.GroupBy(_classes);
        (int[] starts, int[] incoming) = Incoming();
        for (int cord = 0, block = 1; cord < cords.Count; cord++)
        {
            foreach (int transition in cords.Of(cord))
                blocks.Mark(_tails[transition]);
            blocks.Split();
            for (; block < blocks.Count; block++)
            {
                foreach (int state in blocks.Of(block))
                {
                    foreach (int transition in incoming.AsSpan(starts[state]..starts[state + 1]))
                        cords.Mark(transition);
                }

                cords.Split();
            }
        }

        return blocks.Count == table.StateCount ? table : Rebuild(blocks);
    }

    private int Kind(int state) => table.Accepts(state) ? table.Label(state) : -2;

    private void List()
    {
        int at = 0;
        for (int state = 0; state < table.StateCount; state++)
        {
            ReadOnlySpan<int> others = table.Classes(state);
            ReadOnlySpan<int> targets = table.Targets(state);
            int usual = table.Default(state);
            for (int of = 0, i = 0; i < others.Length || (usual >= 0 && of < table.Alphabet.Count); of++)
            {
                if (usual < 0)
                    of = others[i];
                int target = i < others.Length && others[i] == of ? targets[i++] : usual;
                if (target >= 0)
                    (_tails[at], _classes[at], _heads[at++]) = (state, of, target);
            }
        }
    }

    // The transitions into each state; where each one's start.
    private (int[] Starts, int[] Incoming) Incoming()
    {
        int[] starts = new int[table.StateCount + 1];
        foreach (int head in _heads)
            starts[head + 1]++;
        for (int i = 1; i < starts.Length; i++)
            starts[i] += starts[i - 1];
        int[] next = starts[..^1];
        int[] incoming = new int[transitions];
        for (int i = 0; i < transitions; i++)
            incoming[next[_heads[i]]++] = i;
        return (starts, incoming);
    }

    // Blocks are numbered as they are first met, so that the start stays the first.
    private Table Rebuild(Partition blocks)
    {
        int[] numbers = new int[blocks.Count];
        Array.Fill(numbers, -1);
        var firsts = new List<int>(blocks.Count);
        for (int state = 0; state < table.StateCount; state++)
        {
            ref int number = ref numbers[blocks.BlockOf(state)];
            if (number >= 0)
                continue;
            number = firsts.Count;
            firsts.Add(state);
        }

        var builder = new TableBuilder(table.Alphabet, fuel);
        foreach (int state in firsts)
        {
            ReadOnlySpan<int> classes = table.Classes(state);
            for (int i = 0; i < classes.Length; i++)
                builder.Edge(classes[i], Number(table.Targets(state)[i]));
            builder.EndRow(Number(table.Default(state)), table.Accepts(state), table.Label(state));
        }

        return builder.Build();

        int Number(int state) => state < 0 ? Table.Dead : numbers[blocks.BlockOf(state)];
    }
}
