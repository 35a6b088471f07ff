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
        _live = Liveness.Of(_nodes);
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
}
