using System.Collections.Concurrent;
using VAI.Text.Constraints.Automata.Tables;

namespace VAI.Text.Constraints.Automata;

/// <summary>Steps of many code points at once: for whoever sees bytes of characters that are not whole.</summary>
internal sealed partial class Automaton
{
    private readonly ConcurrentDictionary<int, bool> _loops = new();

    /// <summary>Whether a code point between two, both included, may come in a state.</summary>
    public bool CanStep(int state, int from, int to)
    {
        while (from <= to)
        {
            (int target, int last) = StepRange(state, from);
            if (target >= 0)
                return true;
            from = last + 1;
        }

        return false;
    }

    /// <summary>Where a code point leads, and the last of those behind it that are of its class.</summary>
    public (int State, int Last) StepRange(int state, int codePoint)
    {
        Alphabet alphabet = _table.Alphabet;
        int run = alphabet.RunOf(codePoint), of = alphabet.Run(run).Class;
        return (of < 0 ? Dead : _table.Target(state, of), alphabet.EndOf(run) - 1);
    }

    /// <summary>Whether a state stays as it is whatever plain character comes: one that a JSON string has as it stands.</summary>
    public bool LoopsOnPlain(int state) => _loops.GetOrAdd(state, static (at, self) => self.Loops(at), this);

    /// <summary>The labels of all that a beginning can become.</summary>
    public HashSet<int> ReachableLabels(int state)
    {
        var labels = new HashSet<int>();
        var seen = new HashSet<int> { state };
        var open = new Stack<int>([state]);
        while (open.TryPop(out int at))
        {
            if (Accepts(at))
                labels.Add(Label(at));
            if (_table.Default(at) >= 0 && seen.Add(_table.Default(at)))
                open.Push(_table.Default(at));
            foreach (int target in _table.Targets(at))
            {
                if (target >= 0 && seen.Add(target))
                    open.Push(target);
            }
        }

        return labels;
    }

    private bool Loops(int state)
    {
        Alphabet alphabet = _table.Alphabet;
        for (int run = 0; run < alphabet.RunCount; run++)
        {
            (int start, int of) = alphabet.Run(run);
            if (of >= 0 && HasPlain(start, alphabet.EndOf(run)) && _table.Target(state, of) != state)
                return false;
        }

        return true;
    }

    private static bool HasPlain(int from, int end)
    {
        for (int c = Math.Max(from, 0x20); c < end; c++)
        {
            if (c is not ('"' or '\\' or 0x7F))
                return true;
        }

        return false;
    }
}
