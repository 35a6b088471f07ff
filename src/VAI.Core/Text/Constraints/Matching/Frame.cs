using VAI.Text.Constraints.Grammars;

namespace VAI.Text.Constraints.Matching;

/// <summary>A place that a stack goes back to.</summary>
/// <param name="Node">Where it goes on: behind a call; else the repetition or the object that it counts for.</param>
/// <param name="Times">How often a repetition came.</param>
/// <param name="Below">The next lower; null at the bottom.</param>
internal readonly record struct Link(int Node, int Times, Frame? Below) : IComparable<Link>
{
    public int CompareTo(Link other)
    {
        int by = Node.CompareTo(other.Node);
        by = by != 0 ? by : Times.CompareTo(other.Times);
        return by != 0 ? by : (Below?.Id ?? 0).CompareTo(other.Below?.Id ?? 0);
    }

    public bool Equals(Link other) => Node == other.Node && Times == other.Times && ReferenceEquals(Below, other.Below);

    public override int GetHashCode() => HashCode.Combine(Node, Times, Below?.Id ?? 0);
}

/// <summary>
/// What a place of a grammar goes back to: a stack that shares its lower part with others, and is several where a rule was called from several places at
/// once. So there are no more of them than rules, however many ways led there. Closed ones that are equal are the same object.
/// </summary>
internal sealed class Frame
{
    private readonly List<Link> _links;

    /// <summary>One that is open: the links may become more.</summary>
    public Frame(Link link, MembersState? members) => (_links, Members) = ([link], members);

    public Frame(int id, List<Link> links, MembersState? members)
    {
        (Id, _links, Members) = (id, links, members);
        HasUnrecorded = members is { Unrecorded: true } || links.Exists(l => l.Below is { HasUnrecorded: true });
    }

    /// <summary>Its number, by which it is compared; 0 while it is open.</summary>
    public int Id { get; }

    public IReadOnlyList<Link> Links => _links;

    /// <summary>What an object has; null for anything else.</summary>
    public MembersState? Members { get; }

    /// <summary>Whether all that is within it may be left out: of an open one.</summary>
    public bool HasEnded { get; set; }

    /// <summary>What became of an open one.</summary>
    public Frame? Closed { get; set; }

    /// <summary>Whether it is being closed.</summary>
    public bool IsClosing { get; set; }

    /// <summary>Whether it goes back to an object of which a key is to be recorded: of a closed one.</summary>
    public bool HasUnrecorded { get; }

    public void Add(Link link) => _links.Add(link);
}
