using System.Collections.Concurrent;
using VAI.Text.Constraints.Automata.Tables;

namespace VAI.Text.Constraints.Automata;

/// <summary>Steps of many code points at once: for whoever sees bytes of characters that are not whole.</summary>
internal sealed partial class Automaton
{
    private ConcurrentDictionary<int, bool>? _loops;
    private bool? _endsOnPlain;
    private int[]? _distances;

    /// <summary>How many code points have to follow a state at least.</summary>
    public int Distance(int state) => (_distances ??= Distances())[state];

    /// <summary>Whether a code point between two, both included, may come in a state.</summary>
    /// <param name="state">The state.</param>
    /// <param name="from">The first code point.</param>
    /// <param name="to">The last.</param>
    /// <param name="most">How many code points may follow it.</param>
    public bool CanStep(int state, int from, int to, int most = int.MaxValue)
    {
        while (from <= to)
        {
            (int target, int last) = StepRange(state, from);
            if (target >= 0 && (most == int.MaxValue || Distance(target) <= most))
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

    /// <summary>Whether a state stays as it is whatever plain character comes (<see cref="PlainText"/>).</summary>
    public bool LoopsOnPlain(int state) =>
        LazyInitializer.EnsureInitialized(ref _loops, static () => new()).GetOrAdd(state, static (at, self) => self.OnPlain(at, to => to == at), this);

    /// <summary>Whether a text is any plain character alone.</summary>
    public bool EndsOnPlain => _endsOnPlain ??= OnPlain(0, to => Accepts(to) && !CanGoOn(to));

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

    /// <summary>How many texts lead on from a state to an accepting one that counts, no more than a limit; the limit where there is no end of them.</summary>
    public int CountTexts(int state, Func<int, bool> counts, int most)
    {
        HashSet<int> useful = Leading(state, counts);
        var known = new Dictionary<int, int>();
        return Count(state);

        int Count(int at)
        {
            if (!useful.Contains(at))
                return 0;
            if (known.TryGetValue(at, out int before))
                return before;
            if (!System.Runtime.CompilerServices.RuntimeHelpers.TryEnsureSufficientExecutionStack())
                return most;

            // Who comes back here goes round for ever.
            known[at] = most;
            long count = Accepts(at) && counts(at) ? 1 : 0;
            Alphabet alphabet = _table.Alphabet;
            for (int run = 0; run < alphabet.RunCount && count < most; run++)
            {
                (int start, int of) = alphabet.Run(run);
                if (of >= 0 && _table.Target(at, of) is >= 0 and int target)
                    count += (long)(alphabet.EndOf(run) - start) * Count(target);
            }

            return known[at] = (int)Math.Min(count, most);
        }
    }

    // From those that accept on, all that are a step further.
    private int[] Distances()
    {
        (int[] starts, int[] sources) = Trimming.Sources(_table);
        int[] distances = new int[_table.StateCount];
        Array.Fill(distances, int.MaxValue);
        var open = new Queue<int>();
        for (int state = 0; state < distances.Length; state++)
        {
            if (!_table.Accepts(state))
                continue;
            distances[state] = 0;
            open.Enqueue(state);
        }

        while (open.TryDequeue(out int state))
        {
            foreach (int source in sources.AsSpan(starts[state]..starts[state + 1]))
            {
                if (distances[source] != int.MaxValue)
                    continue;
                distances[source] = distances[state] + 1;
                open.Enqueue(source);
            }
        }

        return distances;
    }

    // The states behind one that lead to an accepting one that counts.
    private HashSet<int> Leading(int state, Func<int, bool> counts)
    {
        var before = new Dictionary<int, List<int>> { [state] = [] };
        var open = new Stack<int>([state]);
        while (open.TryPop(out int at))
        {
            Add(at, _table.Default(at));
            foreach (int target in _table.Targets(at))
                Add(at, target);
        }

        var leading = new HashSet<int>(before.Keys.Where(s => Accepts(s) && counts(s)));
        open = new Stack<int>(leading);
        while (open.TryPop(out int at))
        {
            foreach (int from in before[at].Where(leading.Add))
                open.Push(from);
        }

        return leading;

        void Add(int from, int to)
        {
            if (to < 0)
                return;
            if (!before.TryGetValue(to, out List<int>? known))
            {
                before[to] = known = [];
                open.Push(to);
            }

            known.Add(from);
        }
    }

    // Whether all plain characters lead to states of which that holds.
    private bool OnPlain(int state, Func<int, bool> holds)
    {
        Alphabet alphabet = _table.Alphabet;
        for (int run = 0; run < alphabet.RunCount; run++)
        {
            (int start, int of) = alphabet.Run(run);
            if (of >= 0 && HasPlain(start, alphabet.EndOf(run)) && !holds(_table.Target(state, of)))
                return false;
        }

        return true;
    }

    private static bool HasPlain(int from, int end)
    {
        for (int c = Math.Max(from, 0x20); c < end; c++)
        {
            if (PlainText.Has(c))
                return true;
        }

        return false;
    }
}
