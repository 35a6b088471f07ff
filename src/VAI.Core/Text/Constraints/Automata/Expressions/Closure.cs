using System.Runtime.InteropServices;
using VAI.Text.Constraints.Automata.Tables;

namespace VAI.Text.Constraints.Automata.Expressions;

/// <summary>The nodes that are reached from others without reading.</summary>
internal sealed class Closure(Nfa nfa, Fuel fuel)
{
    // They are sorted, told from others and kept.
    private const int StepsOfFound = 3;

    private readonly int[] _visits = new int[nfa.Count];
    private readonly Stack<int> _left = new();
    private readonly List<int> _found = [];
    private readonly Bits? _ends = nfa.HasEndGates ? EndsOf(nfa, fuel) : null;
    private int _visit;

    /// <summary>Those that read, or where a text ends, sorted. Good until the next one.</summary>
    public ReadOnlySpan<int> Of(ReadOnlySpan<int> nodes, bool atStart)
    {
        _found.Clear();
        _visit++;
        foreach (int node in nodes)
            Reach(node);
        ReadOnlySpan<NfaNode> all = nfa.Nodes;
        while (_left.TryPop(out int at))
        {
            ref readonly NfaNode node = ref all[at];
            fuel.Step();
            if (node.Anything)
            {
                // Whatever else might be read, it is accepted anyway.
                _left.Clear();
                _found.Clear();
                _found.Add(at);
                break;
            }

            if (node.Row >= 0 || node.Final || node.Gate == Gate.AtEnd)
                _found.Add(at);
            if (node.Gate == Gate.AtEnd || (node.Gate == Gate.AtStart && !atStart))
                continue;
            Reach(node.First);
            Reach(node.Second);
        }

        Span<int> found = CollectionsMarshal.AsSpan(_found);
        fuel.Step((long)StepsOfFound * found.Length);
        found.Sort();
        return found;
    }

    /// <summary>Whether a text may end where these were found.</summary>
    public bool Accepts(ReadOnlySpan<int> found)
    {
        foreach (int node in found)
        {
            if (nfa.Nodes[node].Final || _ends?[node] == true)
                return true;
        }

        return false;
    }

    /// <summary>Whether the empty text is accepted: it starts where it ends.</summary>
    public bool AcceptsEmpty()
    {
        _visit++;
        Reach(nfa.Start);
        bool accepts = false;
        while (_left.TryPop(out int at))
        {
            fuel.Step();
            accepts |= nfa.Nodes[at].Final;
            Reach(nfa.Nodes[at].First);
            Reach(nfa.Nodes[at].Second);
        }

        return accepts;
    }

    private void Reach(int node)
    {
        if (node < 0 || _visits[node] == _visit)
            return;
        _visits[node] = _visit;
        _left.Push(node);
    }

    // From which nodes a text's end is reached without reading, behind its start.
    private static Bits EndsOf(Nfa nfa, Fuel fuel)
    {
        var from = new List<int>[nfa.Count];
        var ends = new Bits(nfa.Count);
        var left = new Stack<int>();
        for (int node = 0; node < nfa.Count; node++)
        {
            fuel.Step();
            if (nfa[node].Final)
                left.Push(node);
            if (nfa[node].Gate == Gate.AtStart)
                continue;
            foreach (int to in (ReadOnlySpan<int>)[nfa[node].First, nfa[node].Second])
            {
                if (to >= 0)
                    (from[to] ??= []).Add(node);
            }
        }

        while (left.TryPop(out int node))
        {
            if (ends[node])
                continue;
            ends[node] = true;
            foreach (int source in from[node] ?? [])
                left.Push(source);
        }

        return ends;
    }
}
