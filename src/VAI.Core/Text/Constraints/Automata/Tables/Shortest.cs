using System.Text;

namespace VAI.Text.Constraints.Automata.Tables;

/// <summary>A shortest text that an automaton accepts, of characters that can be read where there are any.</summary>
internal static class Shortest
{
    public static bool TryFind(Table table, out string text)
    {
        // From where, and by which class, each state was first reached.
        var from = new (int State, int Class)[table.StateCount];
        Array.Fill(from, (-1, -1));
        var left = new Queue<int>();
        left.Enqueue(0);
        from[0] = (0, -1);
        while (left.TryDequeue(out int state))
        {
            if (table.Accepts(state))
            {
                text = Text(table, from, state);
                return true;
            }

            ReadOnlySpan<int> classes = table.Classes(state);
            int free = 0;
            for (int i = 0; i < classes.Length; i++)
            {
                Reach(table.Targets(state)[i], state, classes[i]);
                if (classes[i] == free)
                    free++;
            }

            if (free < table.Alphabet.Count)
                Reach(table.Default(state), state, free);
        }

        text = "";
        return false;

        void Reach(int target, int state, int of)
        {
            if (target < 0 || from[target].State >= 0)
                return;
            from[target] = (state, of);
            left.Enqueue(target);
        }
    }

    private static string Text(Table table, (int State, int Class)[] from, int state)
    {
        int[] representatives = table.Alphabet.Representatives();
        var codePoints = new List<int>();
        for (; from[state].Class >= 0; state = from[state].State)
            codePoints.Add(representatives[from[state].Class]);
        var text = new StringBuilder(codePoints.Count);
        for (int i = codePoints.Count - 1; i >= 0; i--)
            text.Append(new Rune(codePoints[i]).ToString());
        return text.ToString();
    }
}
