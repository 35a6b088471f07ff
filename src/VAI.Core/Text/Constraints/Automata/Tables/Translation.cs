namespace VAI.Text.Constraints.Automata.Tables;

/// <summary>The same automata over one alphabet.</summary>
internal static class Translation
{
    public static (Table First, Table Second) Common(Table first, Table second, Fuel fuel)
    {
        if (first.Alphabet == second.Alphabet)
            return (first, second);
        Alphabet merged = AlphabetBuilder.Merge(first.Alphabet, second.Alphabet, fuel, out int[] toFirst, out int[] toSecond);
        return (To(first, merged, toFirst, fuel), To(second, merged, toSecond, fuel));
    }

    /// <param name="table">Over a coarser alphabet.</param>
    /// <param name="alphabet">A finer one.</param>
    /// <param name="toOld">For each of its classes, the one of the table's that it lies in.</param>
    /// <param name="fuel">What it may cost.</param>
    public static Table To(Table table, Alphabet alphabet, int[] toOld, Fuel fuel)
    {
        int[][] finer = Invert(toOld, table.Alphabet.Count);
        var builder = new TableBuilder(alphabet, fuel);
        for (int state = 0; state < table.StateCount; state++)
        {
            ReadOnlySpan<int> classes = table.Classes(state);
            for (int i = 0; i < classes.Length; i++)
            {
                foreach (int of in finer[classes[i]])
                    builder.Edge(of, table.Targets(state)[i]);
            }

            builder.EndRow(table.Default(state), table.Accepts(state), table.Label(state));
        }

        return builder.Build();
    }

    /// <summary>For each old class, the new ones that lie in it, sorted.</summary>
    public static int[][] Invert(int[] toOld, int oldCount)
    {
        int[] counts = new int[oldCount];
        foreach (int old in toOld)
            counts[old]++;
        int[][] finer = new int[oldCount][];
        for (int old = 0; old < oldCount; old++)
            finer[old] = new int[counts[old]];
        for (int of = toOld.Length - 1; of >= 0; of--)
            finer[toOld[of]][--counts[toOld[of]]] = of;
        return finer;
    }
}
