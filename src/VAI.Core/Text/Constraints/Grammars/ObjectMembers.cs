using System.Collections.Concurrent;
using VAI.Text.Constraints.Automata;

namespace VAI.Text.Constraints.Grammars;

/// <summary>What members an object may and must have.</summary>
internal sealed class ObjectMembers
{
    private readonly ConcurrentDictionary<int, (Bits Names, bool Others)> _reach = [];
    private int[] _entries = [];
    private Bits _possible;

    /// <summary>The names that are known, in their order.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>Which of them must be there.</summary>
    public required Bits Required { get; init; }

    /// <summary>All keys that may be, and what they are.</summary>
    public required KeyClassifier Keys { get; init; }

    /// <summary>Where it goes on behind a key, by its kind: a colon and the value.</summary>
    public required IReadOnlyList<int> Entries { get; init; }

    public int Least { get; init; }

    public int Most { get; init; } = int.MaxValue;

    /// <summary>Whether known names come in their order.</summary>
    public bool InOrder { get; init; } = true;

    /// <summary>Opens the first key.</summary>
    public int FirstKey { get; set; }

    /// <summary>Opens another key.</summary>
    public int NextKey { get; set; }

    /// <summary>Where it goes on behind a key of a kind; -1 where such a key may not be, as no value would do.</summary>
    public int Entry(int kind) => _entries[kind];

    /// <summary>The name that a kind of key is; -1 for another.</summary>
    public int NameOf(int kind) => Keys.Kinds[kind].Name;

    /// <summary>Whether some object does.</summary>
    /// <param name="isLive">Whether there are values of a kind.</param>
    public bool IsPossible(Func<int, bool> isLive)
    {
        var possible = new Bits(Names.Count);
        bool others = false;
        for (int kind = 0; kind < Entries.Count; kind++)
        {
            if (!isLive(Entries[kind]))
                continue;
            if (NameOf(kind) is >= 0 and int name)
                possible = possible.With(name);
            else
                others = true;
        }

        return Least <= Most && Required.CountOutside(possible) == 0 && Required.Count <= Most && (others || possible.Count >= Least);
    }

    /// <summary>Takes what kinds of keys may be.</summary>
    public void Seal(Func<int, bool> isLive)
    {
        _entries = [.. Entries.Select(e => isLive(e) ? e : -1)];
        _possible = new Bits(Names.Count);
        for (int kind = 0; kind < _entries.Length; kind++)
        {
            if (_entries[kind] >= 0 && NameOf(kind) is >= 0 and int name)
                _possible = _possible.With(name);
        }
    }

    /// <summary>Whether there are keys that are no known names.</summary>
    public bool HasOthers => Reach(0).Others;

    /// <summary>Whether a known name may come behind others.</summary>
    public bool MayCome(int name, MembersState state)
    {
        if (state.Seen[name] || !_possible[name] || state.Count >= Most)
            return false;
        int left = Required.CountOutside(state.Seen);
        bool required = Required[name];
        if (state.Count + 1 + left - (required ? 1 : 0) > Most)
            return false;
        if (!InOrder)
            return HasOthers || state.Count + _possible.CountOutside(state.Seen) >= Least;
        if (name <= state.Last)
            return false;

        // What is passed over cannot come any more.
        for (int i = state.Last + 1; i < name; i++)
        {
            if (Required[i])
                return false;
        }

        return HasOthers || state.Count + _possible.CountFrom(name) >= Least;
    }

    /// <summary>Whether a key may come that is no known name.</summary>
    public bool MayOther(MembersState state) => HasOthers && !state.Unrecorded && state.Count + 1 + Required.CountOutside(state.Seen) <= Most;

    /// <summary>Whether any key may come.</summary>
    public bool MayGoOn(MembersState state) => MayAt(0, state);

    /// <summary>Whether a key that begins so may come.</summary>
    public bool MayAt(int keys, MembersState state)
    {
        (Bits names, bool others) = Reach(keys);
        if (others && MayOther(state))
            return true;
        for (int name = names.Next(InOrder ? state.Last + 1 : 0); name >= 0; name = names.Next(name + 1))
        {
            if (MayCome(name, state))
                return true;
            if (InOrder && Required[name] && !state.Seen[name])
                return false;
        }

        return false;
    }

    public bool MayEnd(MembersState state) => state.Count >= Least && Required.CountOutside(state.Seen) == 0;

    // What keys a beginning can become.
    private (Bits Names, bool Others) Reach(int at)
    {
        if (_reach.TryGetValue(at, out (Bits, bool) known))
            return known;
        var names = new Bits(Names.Count);
        bool others = false;
        foreach (int kind in Keys.Automaton.ReachableLabels(at))
        {
            if (Entry(kind) < 0)
                continue;
            if (NameOf(kind) is >= 0 and int name)
                names = names.With(name);
            else
                others = true;
        }

        return _reach[at] = (names, others);
    }
}
