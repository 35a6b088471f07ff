using System.Runtime.InteropServices;

namespace VAI.Text.Constraints.Automata.Tables;

/// <summary>The classes that sets of code points tell apart, and which of them are in each.</summary>
internal static class SetAlphabet
{
    /// <param name="sets">Each different.</param>
    /// <param name="fuel">What it may cost.</param>
    /// <param name="classes">Those in each set, sorted.</param>
    public static Alphabet Of(IReadOnlyList<CharSet> sets, Fuel fuel, out int[][] classes)
    {
        int[] starts = Starts(sets, fuel);
        int[] groups = new int[starts.Length];
        groups[Array.BinarySearch(starts, CharSet.FirstSurrogate)] = -1;
        // Each set takes those in it out of the groups they are in.
        var taken = new List<int> { 0 };
        var takenBy = new List<int> { -1 };
        for (int set = 0; set < sets.Count; set++)
        {
            foreach (CharRange range in sets[set].Span)
            {
                for (int i = Array.BinarySearch(starts, range.First); i < starts.Length && starts[i] <= range.Last; i++)
                {
                    fuel.Step();
                    int group = groups[i];
                    if (takenBy[group] != set)
                    {
                        takenBy[group] = set;
                        taken[group] = taken.Count;
                        taken.Add(0);
                        takenBy.Add(-1);
                    }

                    groups[i] = taken[group];
                }
            }
        }

        var builder = new AlphabetBuilder();
        for (int i = 0; i < starts.Length; i++)
            builder.Add(starts[i], groups[i]);
        Alphabet alphabet = builder.Build();
        classes = [.. sets.Select(set => In(set, alphabet, starts))];
        return alphabet;
    }

    private static int[] Starts(IReadOnlyList<CharSet> sets, Fuel fuel)
    {
        var starts = new List<int> { 0, CharSet.FirstSurrogate, CharSet.BehindSurrogates };
        foreach (CharSet set in sets)
        {
            fuel.Step(set.Span.Length);
            foreach (CharRange range in set.Span)
            {
                starts.Add(range.First);
                if (range.Last < CharSet.LastCodePoint)
                    starts.Add(range.Last + 1);
            }
        }

        starts.Sort();
        int count = 0;
        Span<int> span = CollectionsMarshal.AsSpan(starts);
        foreach (int start in span)
        {
            if (count == 0 || span[count - 1] != start)
                span[count++] = start;
        }

        return span[..count].ToArray();
    }

    private static int[] In(CharSet set, Alphabet alphabet, int[] starts)
    {
        var classes = new HashSet<int>();
        foreach (CharRange range in set.Span)
        {
            for (int i = Array.BinarySearch(starts, range.First); i < starts.Length && starts[i] <= range.Last; i++)
                classes.Add(alphabet.ClassOf(starts[i]));
        }

        int[] sorted = [.. classes];
        Array.Sort(sorted);
        return sorted;
    }
}
