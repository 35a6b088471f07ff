namespace VAI.Text.Constraints.Grammars;

/// <summary>A context-free language over text, made of rules. Immutable once it is built; shared by all who match it.</summary>
internal sealed class Grammar
{
    private readonly Node[] _nodes;
    private readonly bool[] _live;

    /// <param name="nodes">All nodes.</param>
    /// <param name="start">The first of the first rule.</param>
    public Grammar(IReadOnlyList<Node> nodes, int start)
    {
        _nodes = [.. nodes];
        Start = start;
        _live = new bool[_nodes.Length];
        Spread();
        foreach (MembersNode members in _nodes.OfType<MembersNode>())
            members.Members.Seal(IsLive);
    }

    /// <summary>The first node of the first rule.</summary>
    public int Start { get; }

    /// <summary>Whether any text satisfies it.</summary>
    public bool IsPossible => _live[Start];

    public Node this[int node] => _nodes[node];

    /// <summary>Whether any text leads from there to the end of its rule.</summary>
    public bool IsLive(int node) => _live[node];

    // From what leads to an end to what waits for it.
    private void Spread()
    {
        var waits = new List<(int Node, int Next)>();
        int[] first = new int[_nodes.Length];
        Array.Fill(first, -1);
        var open = new Stack<int>();

        // What comes later in a text was mostly built before.
        for (int node = 0; node < _nodes.Length; node++)
        {
            foreach (int of in Needs(_nodes[node]))
            {
                waits.Add((node, first[of]));
                first[of] = waits.Count - 1;
            }

            Try(node);
        }

        while (open.TryPop(out int live))
        {
            for (int at = first[live]; at >= 0; at = waits[at].Next)
                Try(waits[at].Node);
        }

        void Try(int node)
        {
            if (_live[node] || !Leads(_nodes[node]))
                return;
            _live[node] = true;
            open.Push(node);
        }
    }

    private static IEnumerable<int> Needs(Node node) => node switch
    {
        TextNode text => [text.Next],
        StringNode text => [text.Next],
        ChoiceNode choice => choice.Of,
        CallNode call => [call.Rule, call.Next],
        RepeatNode repeat => [repeat.Rule, repeat.Next],
        TokenNode token => [token.Next],
        MembersNode members => [members.Next, .. members.Members.Entries],
        _ => [],
    };

    private bool Leads(Node node) => node switch
    {
        TextNode text => !text.Language.IsEmpty && _live[text.Next],
        StringNode text => !text.Language.IsEmpty && text.Least <= text.Most && _live[text.Next],
        RawNode text => !text.Language.IsEmpty && text.Least <= text.Most && _live[text.Next],
        ChoiceNode choice => choice.Of.Any(IsLive),
        CallNode call => _live[call.Rule] && _live[call.Next],
        RepeatNode repeat => repeat.Least <= repeat.Most && (repeat.Least == 0 || _live[repeat.Rule]) && _live[repeat.Next],
        TokenNode token => _live[token.Next],
        MembersNode members => _live[members.Next] && members.Members.IsPossible(IsLive),
        _ => true,
    };
}
