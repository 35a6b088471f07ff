using System.Buffers;
using System.Text;

namespace VAI.Text.Constraints.Automata.Tables;

/// <summary>An automaton of texts that are written out: a tree of their code points, made in one pass over them in their order.</summary>
internal sealed class StringTrie
{
    // A node is a row, an edge and where it came from.
    private const int StepsOfNode = 2;

    private readonly Fuel _fuel;
    private readonly List<int> _parents = [-1];
    private readonly List<int> _codePoints = [-1];
    private readonly List<(int Node, int Index)> _ends = [];

    private StringTrie(Fuel fuel) => _fuel = fuel;

    /// <param name="strings">Those that are no texts, as they have half of a surrogate pair, are left out.</param>
    /// <param name="labelled">Whether each accepting state is labelled by the index of the string, the first of those that are the same.</param>
    /// <param name="fuel">What it may cost: the steps of the characters.</param>
    /// <returns>Null where there is no text.</returns>
    public static Table? Build(IReadOnlyList<string> strings, bool labelled, Fuel fuel)
    {
        fuel.Step(strings.Count);
        string[] sorted = [.. strings];
        int[] order = [.. Enumerable.Range(0, sorted.Length)];
        if (sorted.Length > 1)
            StringOrder.Sort(sorted, order);
        var trie = new StringTrie(fuel);
        trie.Add(sorted, order);
        return trie._ends.Count == 0 ? null : trie.Build(labelled);
    }

    private void Add(string[] sorted, int[] order)
    {
        // The node behind each UTF-16 unit of the last text.
        int[] path = new int[sorted.Length == 0 ? 1 : sorted.Max(text => text.Length) + 1];
        string last = "";
        for (int i = 0; i < sorted.Length; i++)
        {
            string text = sorted[i];
            _fuel.Step(text.Length);
            if (!IsText(text))
                continue;
            int at = last.AsSpan().CommonPrefixLength(text);
            if (at > 0 && at < text.Length && char.IsLowSurrogate(text[at]))
                at--;
            if (at == text.Length && _ends.Count > 0 && at == last.Length)
            {
                _ends[^1] = (_ends[^1].Node, Math.Min(_ends[^1].Index, order[i]));
                continue;
            }

            while (at < text.Length)
            {
                Rune.DecodeFromUtf16(text.AsSpan(at), out Rune rune, out int length);
                _fuel.Step(StepsOfNode);
                _parents.Add(path[at]);
                _codePoints.Add(rune.Value);
                at += length;
                path[at] = _parents.Count - 1;
            }

            _ends.Add((path[at], order[i]));
            last = text;
        }
    }

    private static bool IsText(string text)
    {
        ReadOnlySpan<char> left = text;
        for (int at; (at = left.IndexOfAnyInRange('\uD800', '\uDFFF')) >= 0; left = left[(at + 2)..])
        {
            if (Rune.DecodeFromUtf16(left[at..], out _, out _) != OperationStatus.Done)
                return false;
        }

        return true;
    }

    private Table Build(bool labelled)
    {
        int count = _parents.Count;
        Alphabet alphabet = Classes(out Dictionary<int, int> others);
        int[] starts = new int[count + 1];
        for (int node = 1; node < count; node++)
            starts[_parents[node] + 1]++;
        for (int i = 1; i < starts.Length; i++)
            starts[i] += starts[i - 1];
        int[] next = starts[..^1];
        int[] classes = new int[count - 1];
        int[] targets = new int[count - 1];
        for (int node = 1; node < count; node++)
        {
            int place = next[_parents[node]]++;
            int codePoint = _codePoints[node];
            classes[place] = codePoint < 128 ? alphabet.ClassOf(codePoint) : others[codePoint];
            targets[place] = node;
        }

        SortRows(starts, classes, targets);
        int[] defaults = new int[count];
        Array.Fill(defaults, Table.Dead);
        var accepting = new Bits(count);
        int[]? labels = labelled ? [.. defaults] : null;
        foreach ((int node, int index) in _ends)
        {
            accepting[node] = true;
            if (labels is not null)
                labels[node] = index;
        }

        return new Table(alphabet, starts, defaults, classes, targets, accepting, labels);
    }

    // UTF-16 puts surrogate pairs before the last of the other code points.
    private static void SortRows(int[] starts, int[] classes, int[] targets)
    {
        for (int i = 0; i + 1 < starts.Length; i++)
        {
            Span<int> row = classes.AsSpan(starts[i]..starts[i + 1]);
            for (int j = 1; j < row.Length; j++)
            {
                if (row[j] > row[j - 1])
                    continue;
                row.Sort(targets.AsSpan(starts[i]..starts[i + 1]));
                break;
            }
        }
    }

    // One class for each code point that there is, and one for the others.
    private Alphabet Classes(out Dictionary<int, int> others)
    {
        var used = new HashSet<int>();
        Span<bool> ascii = stackalloc bool[128];
        foreach (int codePoint in _codePoints)
        {
            if (codePoint >= 128)
                used.Add(codePoint);
            else if (codePoint >= 0)
                ascii[codePoint] = true;
        }

        for (int c = 0; c < ascii.Length; c++)
        {
            if (ascii[c])
                used.Add(c);
        }

        int[] sorted = [.. used];
        Array.Sort(sorted);
        var builder = new AlphabetBuilder();
        int next = 0;
        foreach (int codePoint in sorted)
        {
            Rest(next, codePoint);
            builder.Add(codePoint, codePoint + 1);
            next = codePoint + 1;
        }

        Rest(next, CharSet.LastCodePoint + 1);
        Alphabet alphabet = builder.Build();
        others = [];
        for (int of = 0; of < builder.Keys.Count; of++)
        {
            if (builder.Keys[of] > 128)
                others.Add((int)builder.Keys[of] - 1, of);
        }

        return alphabet;

        void Rest(int from, int end)
        {
            if (from >= end)
                return;
            if (from < CharSet.FirstSurrogate)
                builder.Add(from, 0);
            if (from <= CharSet.FirstSurrogate && end > CharSet.FirstSurrogate)
                builder.Add(CharSet.FirstSurrogate, -1);
            if (end > CharSet.BehindSurrogates)
                builder.Add(Math.Max(from, CharSet.BehindSurrogates), 0);
        }
    }
}
