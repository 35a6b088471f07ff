namespace VAI.Text.Constraints.Grammars;

/// <summary>Which places of a grammar lead to an end, found from the ends on: each place is looked at when one that it needs is known to lead there.</summary>
internal sealed class Liveness
{
    private readonly Node[] _nodes;
    private readonly bool[] _live;

    // The nodes that go on at each node, and where each one's start.
    private readonly int[] _starts;
    private readonly int[] _before;
    private readonly Stack<int> _open = new();
    private readonly HashSet<int> _objects = [];

    private Liveness(Node[] nodes)
    {
        (_nodes, _live, _starts) = (nodes, new bool[nodes.Length], new int[nodes.Length + 1]);
        _before = [];
        for (int node = 0; node < nodes.Length; node++)
            Edges(node, null);

        for (int i = 1; i < _starts.Length; i++)
            _starts[i] += _starts[i - 1];
        _before = new int[_starts[^1]];
        int[] places = _starts[..^1];
        for (int node = 0; node < nodes.Length; node++)
            Edges(node, places);
    }

    /// <param name="nodes">All nodes.</param>
    public static bool[] Of(Node[] nodes)
    {
        var liveness = new Liveness(nodes);
        liveness.Spread();
        return liveness._live;
    }

    private void Spread()
    {
        for (int node = 0; node < _nodes.Length; node++)
            Look(node);
        while (true)
        {
            while (_open.TryPop(out int node))
            {
                foreach (int before in _before.AsSpan(_starts[node].._starts[node + 1]))
                {
                    // An object has many members: it is looked at once for all that came to life meanwhile.
                    if (_nodes[before] is MembersNode)
                        _objects.Add(before);
                    else
                        Look(before);
                }
            }

            if (_objects.Count == 0)
                return;
            int[] objects = [.. _objects];
            _objects.Clear();
            foreach (int node in objects)
                Look(node);
        }
    }

    private void Look(int node)
    {
        if (_live[node] || !Leads(_nodes[node]))
            return;
        _live[node] = true;
        _open.Push(node);
    }

    private bool Leads(Node node) => node switch
    {
        TextNode text => !text.Language.IsEmpty && _live[text.Next],
        CountedNode text => !text.Language.IsEmpty && Math.Max(text.Least, text.Language.Distance(0)) <= text.Most && _live[text.Next],
        ChoiceNode choice => choice.Of.Any(of => _live[of]),
        CallNode call => _live[call.Rule] && _live[call.Next],
        RepeatNode repeat => repeat.Least <= repeat.Most && (repeat.Least == 0 || _live[repeat.Rule]) && _live[repeat.Next],
        TokenNode token => _live[token.Next],
        MembersNode members => _live[members.Next] && members.Members.IsPossible(of => _live[of]),
        _ => true,
    };

    // Counts the nodes that a node needs, or writes them down.
    private void Edges(int node, int[]? places)
    {
        switch (_nodes[node])
        {
            case TextNode text:
                Edge(text.Next);
                break;
            case CountedNode text:
                Edge(text.Next);
                break;
            case TokenNode token:
                Edge(token.Next);
                break;
            case CallNode call:
                Edge(call.Rule);
                Edge(call.Next);
                break;
            case RepeatNode repeat:
                Edge(repeat.Rule);
                Edge(repeat.Next);
                break;
            case ChoiceNode choice:
                foreach (int of in choice.Of)
                    Edge(of);
                break;
            case MembersNode members:
                foreach (int entry in members.Members.Entries)
                    Edge(entry);
                Edge(members.Next);
                break;
        }

        void Edge(int next)
        {
            if (places is null)
                _starts[next + 1]++;
            else
                _before[places[next]++] = node;
        }
    }
}
