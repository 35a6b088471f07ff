namespace VAI.Text.Constraints.Matching;

/// <summary>One of the ways in which a text can be going on.</summary>
/// <param name="Node">Where in the grammar: a node that takes characters or tokens.</param>
/// <param name="State">The state of its language.</param>
/// <param name="Escape">How far an escape of a string has come; see <see cref="StringEscape"/>.</param>
/// <param name="Count">Characters of a string so far; of a key how far it is one of the object's other keys, -1 for not.</param>
/// <param name="Stack">What it goes back to.</param>
internal readonly record struct Config(int Node, int State, int Escape, int Count, Frame? Stack) : IComparable<Config>
{
    public int CompareTo(Config other)
    {
        int by = Node.CompareTo(other.Node);
        by = by != 0 ? by : State.CompareTo(other.State);
        by = by != 0 ? by : Escape.CompareTo(other.Escape);
        by = by != 0 ? by : Count.CompareTo(other.Count);
        return by != 0 ? by : (Stack?.Id ?? 0).CompareTo(other.Stack?.Id ?? 0);
    }

    public bool Equals(Config other) =>
        Node == other.Node && State == other.State && Escape == other.Escape && Count == other.Count && ReferenceEquals(Stack, other.Stack);

    public override int GetHashCode() => HashCode.Combine(Node, State, Escape, Count, Stack?.Id ?? 0);
}
