namespace VAI.Text.Constraints.Automata.Tables;

/// <summary>Sorts strings by their UTF-16 units, four at a time: names often start alike, and comparing each pair from the start takes the time.</summary>
internal static class StringOrder
{
    private const int Units = 4;
    private const int Few = 24;

    /// <param name="strings">They are sorted.</param>
    /// <param name="items">Go with them.</param>
    public static void Sort(string[] strings, int[] items)
    {
        ulong[] keys = new ulong[strings.Length];
        int[] places = new int[strings.Length];
        string[] copies = new string[strings.Length];
        var left = new Stack<(int From, int End, int Depth)>();
        left.Push((0, strings.Length, 0));
        while (left.TryPop(out (int From, int End, int Depth) run))
        {
            (int from, int end, int depth) = run;
            if (end - from <= Few)
            {
                Array.Sort(strings, items, from, end - from, StringComparer.Ordinal);
                continue;
            }

            bool anyLeft = false;
            for (int i = from; i < end; i++)
            {
                keys[i] = Key(strings[i], depth);
                places[i] = i;
                anyLeft |= strings[i].Length > depth;
            }

            if (!anyLeft)
            {
                Array.Sort(strings, items, from, end - from, StringComparer.Ordinal);
                continue;
            }

            Array.Sort(keys, places, from, end - from);
            Array.Copy(strings, from, copies, from, end - from);
            for (int i = from; i < end; i++)
                strings[i] = copies[places[i]];
            for (int i = from; i < end; i++)
                places[i] = items[places[i]];
            Array.Copy(places, from, items, from, end - from);
            for (int i = from; i < end;)
            {
                int first = i;
                while (i < end && keys[i] == keys[first])
                    i++;
                if (i - first > 1)
                    left.Push((first, i, depth + Units));
            }
        }
    }

    private static ulong Key(string text, int depth)
    {
        ulong key = 0;
        for (int i = depth; i < depth + Units; i++)
            key = (key << 16) | (i < text.Length ? text[i] : 0u);
        return key;
    }
}
