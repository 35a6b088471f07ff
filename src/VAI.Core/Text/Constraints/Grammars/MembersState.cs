using System.Collections.Immutable;

namespace VAI.Text.Constraints.Grammars;

/// <summary>Which members an object has so far. Immutable.</summary>
/// <param name="Seen">The known names.</param>
/// <param name="Last">The last of them; -1 for none.</param>
/// <param name="Count">All members.</param>
/// <param name="Others">Keys that are no known names.</param>
/// <param name="Unrecorded">Whether one came that is not among them yet: its text is known to who reads, not here.</param>
internal sealed record MembersState(NameSet Seen, int Last, int Count, ImmutableSortedSet<string> Others, bool Unrecorded)
{
    // Of them all: each object of any members has others.
    private int _others;

    /// <summary>That of an object without members.</summary>
    public static MembersState None(int names) => new(new NameSet(names), -1, 0, ImmutableSortedSet.Create<string>(StringComparer.Ordinal), false);

    public MembersState With(int name) => this with { Seen = Seen.With(name), Last = Math.Max(Last, name), Count = Count + 1 };

    public MembersState WithOther() => this with { Count = Count + 1, Unrecorded = true };

    /// <summary>The other key that came is this one.</summary>
    public MembersState Recorded(string key) => this with { Others = Others.Add(key), _others = _others ^ key.GetHashCode(StringComparison.Ordinal), Unrecorded = false };

    public bool Equals(MembersState? other) =>
        other is not null && Last == other.Last && Count == other.Count && Unrecorded == other.Unrecorded && Seen.Equals(other.Seen) && Others.SetEquals(other.Others);

    public override int GetHashCode() => HashCode.Combine(Seen, Count, _others, Unrecorded);
}
