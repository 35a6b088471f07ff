using System.Runtime.InteropServices;
using VAI.Text.Constraints.Automata.Tables;

namespace VAI.Text.Constraints.Automata.Expressions;

/// <summary>From an automaton that may be in many nodes at once to one whose states are the sets of these.</summary>
internal sealed class Determinizer
{
    private readonly Nfa _nfa;
    private readonly Fuel _fuel;
    private readonly Closure _closure;
    private readonly SpanTable _sets = new();

    // Of the state in work: the classes that any of its nodes tells from others, and for each the nodes it leads to, as a list in the pool.
    private readonly List<int> _classes = [];
    private readonly int[] _seenIn;
    private readonly List<int> _heads = [];
    private readonly List<(int Node, int Next)> _pool = [];
    private readonly List<int> _targets = [];

    private Determinizer(Nfa nfa, Fuel fuel)
    {
        (_nfa, _fuel) = (nfa, fuel);
        _closure = new Closure(nfa, fuel);
        _seenIn = new int[nfa.Alphabet.Count];
        Array.Fill(_seenIn, -1);
    }

    public static Table Build(Nfa nfa, Fuel fuel) => new Determinizer(nfa, fuel).Build();

    private Table Build()
    {
        ReadOnlySpan<int> start = _closure.Of([_nfa.Start], atStart: true);
        _fuel.State();
        // Where it matters where a text starts, its start is never come back to.
        _ = _nfa.HasStartGates ? _sets.Alone(start) : _sets.Number(start);
        var builder = new TableBuilder(_nfa.Alphabet, _fuel);
        for (int state = 0; state < _sets.Count; state++)
        {
            bool accepts = _closure.Accepts(_sets[state]) || (state == 0 && _closure.AcceptsEmpty());
            builder.EndRow(Row(state, builder), accepts);
        }

        return builder.Build();
    }

    // Says where the classes lead that have no edge.
    private int Row(int state, TableBuilder builder)
    {
        if (_sets[state] is [int only] && _nfa[only].Anything)
            return state;
        ReadOnlySpan<int> nodes = _sets[state];
        Gather(state, nodes);
        _heads.Clear();
        _heads.AddRange(Enumerable.Repeat(-1, _classes.Count));
        _pool.Clear();
        var usual = new List<int>();
        foreach (int node in nodes)
            Lead(node, usual);
        int otherwise = _classes.Count < _nfa.Alphabet.Count ? Number(usual) : Table.Dead;
        for (int i = 0; i < _classes.Count; i++)
        {
            _targets.Clear();
            for (int at = _heads[i]; at >= 0; at = _pool[at].Next)
                _targets.Add(_pool[at].Node);
            builder.Edge(_classes[i], Number(_targets));
        }

        return otherwise;
    }

    private void Gather(int state, ReadOnlySpan<int> nodes)
    {
        _classes.Clear();
        foreach (int node in nodes)
        {
            if (_nfa[node].Row < 0)
                continue;
            int[] classes = _nfa.Rows[_nfa[node].Row].Classes;
            _fuel.Step(classes.Length);
            foreach (int of in classes)
            {
                if (_seenIn[of] == state)
                    continue;
                _seenIn[of] = state;
                _classes.Add(of);
            }
        }

        _classes.Sort();
    }

    private void Lead(int node, List<int> usual)
    {
        if (_nfa[node].Row < 0)
            return;
        NfaRow row = _nfa.Rows[_nfa[node].Row];
        int first = _nfa[node].Base;
        if (row.Otherwise >= 0)
            usual.Add(first + row.Otherwise);
        int at = 0;
        for (int i = 0; i < row.Classes.Length || (row.Otherwise >= 0 && at < _classes.Count); at++)
        {
            if (row.Otherwise < 0)
                at = _classes.BinarySearch(row.Classes[i]);
            int target = i < row.Classes.Length && row.Classes[i] == _classes[at] ? row.Targets[i++] : row.Otherwise;
            _fuel.Step();
            if (target < 0)
                continue;
            _pool.Add((first + target, _heads[at]));
            _heads[at] = _pool.Count - 1;
        }
    }

    private int Number(List<int> nodes)
    {
        if (nodes.Count == 0)
            return Table.Dead;
        ReadOnlySpan<int> found = _closure.Of(CollectionsMarshal.AsSpan(nodes), atStart: false);
        if (found.Length == 0)
            return Table.Dead;
        int count = _sets.Count;
        int number = _sets.Number(found);
        if (number == count)
            _fuel.State();
        return number;
    }
}
