namespace VAI.Text.Constraints.Automata.Tables;

/// <summary>Leaves out the states from which none that accepts is reached.</summary>
internal static class Trimming
{
    /// <summary>A table whose states are all reached from the first, without those that lead nowhere; null where all do.</summary>
    public static Table? Trim(Table table, Fuel fuel)
    {
        Bits alive = Alive(table, fuel);
        int[] numbers = new int[table.StateCount];
        int count = 0;
        for (int state = 0; state < numbers.Length; state++)
            numbers[state] = alive[state] ? count++ : Table.Dead;
        if (count == numbers.Length)
            return table;
        if (numbers[0] != 0)
            return null;
        var builder = new TableBuilder(table.Alphabet, fuel);
        for (int state = 0; state < numbers.Length; state++)
        {
            if (numbers[state] < 0)
                continue;
            ReadOnlySpan<int> targets = table.Targets(state);
            ReadOnlySpan<int> classes = table.Classes(state);
            for (int i = 0; i < targets.Length; i++)
                builder.Edge(classes[i], Number(targets[i]));
            builder.EndRow(Number(table.Default(state)), table.Accepts(state), table.Label(state));
        }

        return builder.Build();

        int Number(int state) => state < 0 ? Table.Dead : numbers[state];
    }

    private static Bits Alive(Table table, Fuel fuel)
    {
        fuel.Step(table.StateCount + table.EdgeCount);
        (int[] starts, int[] sources) = Sources(table);
        var alive = new Bits(table.StateCount);
        var left = new Stack<int>();
        for (int state = 0; state < table.StateCount; state++)
        {
            if (!table.Accepts(state))
                continue;
            alive[state] = true;
            left.Push(state);
        }

        while (left.TryPop(out int state))
        {
            foreach (int source in sources.AsSpan(starts[state]..starts[state + 1]))
            {
                if (alive[source])
                    continue;
                alive[source] = true;
                left.Push(source);
            }
        }

        return alive;
    }

    /// <summary>From where each state is reached; where each one's start in the list of all.</summary>
    public static (int[] Starts, int[] Sources) Sources(Table table)
    {
        int[] starts = new int[table.StateCount + 2];
        for (int state = 0; state < table.StateCount; state++)
        {
            starts[table.Default(state) + 2]++;
            foreach (int target in table.Targets(state))
                starts[target + 2]++;
        }

        // Those that lead nowhere were counted in the first place but one, and are not kept.
        starts[1] = 0;
        for (int i = 1; i < starts.Length; i++)
            starts[i] += starts[i - 1];
        int[] sources = new int[starts[^1]];
        int[] next = starts[1..];
        for (int state = 0; state < table.StateCount; state++)
        {
            Put(table.Default(state), state);
            foreach (int target in table.Targets(state))
                Put(target, state);
        }

        return (starts[1..], sources);

        void Put(int target, int source)
        {
            if (target >= 0)
                sources[next[target]++] = source;
        }
    }
}
