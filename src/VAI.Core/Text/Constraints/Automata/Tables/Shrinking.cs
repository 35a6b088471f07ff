namespace VAI.Text.Constraints.Automata.Tables;

/// <summary>What is left of a new table: no dead ends, no states and classes that are not told apart, where finding them is cheap.</summary>
internal static class Shrinking
{
    // Beyond these the saving is not worth the memory that finding it takes.
    private const long MostTransitions = 200_000;
    private const long MostJoined = 400_000;

    /// <summary>The automaton of a new table whose states are all reached from the first.</summary>
    public static Automaton Finish(Table table, Fuel fuel)
    {
        if (Trimming.Trim(table, fuel) is not { } trimmed)
            return Automaton.Nothing;
        trimmed = JoinClasses(trimmed, fuel);
        Table small = Minimize(trimmed, fuel);
        return new Automaton(small.StateCount == trimmed.StateCount ? small : JoinClasses(small, fuel));
    }

    /// <summary>The same language with the fewest states, if it is small enough; the labels are kept.</summary>
    public static Table Minimize(Table table, Fuel fuel)
    {
        long transitions = table.CountTransitions();
        if (transitions > MostTransitions || fuel.StepsLeft < transitions * Minimizer.StepsOfTransition)
            return table;
        return new Minimizer(table, (int)transitions, fuel).Minimize();
    }

    /// <summary>Puts classes together that lead to the same from every state.</summary>
    public static Table JoinClasses(Table table, Fuel fuel)
    {
        if (table.Alphabet.Count == 1 || table.EdgeCount > MostJoined || fuel.StepsLeft < 4L * table.EdgeCount)
            return table;
        fuel.Step(table.EdgeCount);
        int[] groups = Groups(table, out bool anyShared);
        if (!anyShared)
            return table;
        Alphabet alphabet = AlphabetBuilder.Join(table.Alphabet, groups, out int[] to);
        var builder = new TableBuilder(alphabet, fuel);
        int[] doneIn = new int[alphabet.Count];
        Array.Fill(doneIn, -1);
        for (int state = 0; state < table.StateCount; state++)
        {
            ReadOnlySpan<int> classes = table.Classes(state);
            for (int i = 0; i < classes.Length; i++)
            {
                int of = to[classes[i]];
                if (doneIn[of] == state)
                    continue;
                doneIn[of] = state;
                builder.Edge(of, table.Targets(state)[i]);
            }

            builder.EndRow(table.Default(state), table.Accepts(state), table.Label(state));
        }

        return builder.Build();
    }

    // Every row takes the classes that it leads elsewhere out of the groups they are in.
    private static int[] Groups(Table table, out bool anyShared)
    {
        int[] groups = new int[table.Alphabet.Count];
        int count = 1;
        var taken = new Dictionary<(int Group, int Target), int>();
        for (int state = 0; state < table.StateCount; state++)
        {
            int first = count;
            ReadOnlySpan<int> classes = table.Classes(state);
            for (int i = 0; i < classes.Length; i++)
            {
                (int, int) key = (groups[classes[i]], table.Targets(state)[i]);
                // One of another row is of no use in this one.
                if (!taken.TryGetValue(key, out int group) || group < first)
                    taken[key] = group = count++;
                groups[classes[i]] = group;
            }
        }

        anyShared = groups.Distinct().Count() < groups.Length;
        return groups;
    }
}
