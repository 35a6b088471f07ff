using System.Collections.Concurrent;
using VAI.Text.Constraints.Automata;

namespace VAI.Text.Constraints.Grammars;

/// <summary>What members an object may and must have.</summary>
internal sealed class ObjectMembers
{
    // More keys that are no known names than any object has.
    private const int Endless = 100_000;

    // When it is asked for: a large schema has many objects that no answer comes to.
    private ConcurrentDictionary<int, (NameSet Names, int Others)>? _reach;
    private int[] _entries = [];
    private NameSet _possible;
    private (int Kinds, long Others) _counted;

    /// <summary>The names that are known, in their order.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>Which of them must be there.</summary>
    public required NameSet Required { get; init; }

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
        bool[] live = [.. Entries.Select(isLive)];
        NameSet possible = Possible(live);
        if (Least > Most || Required.Count > Most || Required.CountOutside(possible) > 0)
            return false;
        return possible.Count >= Least || possible.Count + CountOthers(live) >= Least;
    }

    /// <summary>Takes what kinds of keys may be.</summary>
    public void Seal(Func<int, bool> isLive)
    {
        _entries = [.. Entries.Select(e => isLive(e) ? e : -1)];
        _possible = Possible([.. _entries.Select(e => e >= 0)]);
        _reach = null;
    }

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
            return Enough(state, _possible.CountOutside(state.Seen));
        if (name <= state.Last)
            return false;

        // What is passed over cannot come any more.
        for (int i = state.Last + 1; i < name; i++)
        {
            if (Required[i])
                return false;
        }

        return Enough(state, _possible.CountFrom(name));
    }

    /// <summary>Whether a key may come that is no known name, if there is one left.</summary>
    public bool MayOther(MembersState state) => !state.Unrecorded && state.Count + 1 + Required.CountOutside(state.Seen) <= Most;

    /// <summary>Whether any key may come.</summary>
    public bool MayGoOn(MembersState state) => MayAt(0, state, state.Others.Count);

    /// <summary>How many keys that are no known names begin so.</summary>
    /// <param name="keys">The state of <see cref="Keys"/>.</param>
    public int OthersAt(int keys) => Reach(keys).Others;

    /// <summary>Whether a key that begins so may come.</summary>
    /// <param name="keys">The state of <see cref="Keys"/>.</param>
    /// <param name="state">What the object has.</param>
    /// <param name="taken">How many of its other keys begin so.</param>
    public bool MayAt(int keys, MembersState state, int taken)
    {
        (NameSet names, int others) = Reach(keys);
        if (others > taken && MayOther(state))
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

    // This is asked again and again while more comes to life, of which most are names.
    private long CountOthers(bool[] live)
    {
        int kinds = live.Where((l, kind) => l && NameOf(kind) < 0).Count();
        if (_counted.Kinds != kinds)
        {
            int count = Keys.Automaton.CountTexts(0, at => live[Keys.Automaton.Label(at)] && NameOf(Keys.Automaton.Label(at)) < 0, Endless);
            _counted = (kinds, count == Endless ? int.MaxValue : count);
        }

        return _counted.Others;
    }

    // Whether there can be as many as there have to be, with some of the known names.
    private bool Enough(MembersState state, int names)
    {
        if (state.Count + names >= Least)
            return true;
        int others = Reach(0).Others;
        return others == Endless || (long)state.Count + names + others - state.Others.Count - (state.Unrecorded ? 1 : 0) >= Least;
    }

    private NameSet Possible(bool[] live)
    {
        bool[] possible = new bool[Names.Count];
        for (int kind = 0; kind < live.Length; kind++)
        {
            if (live[kind] && NameOf(kind) is >= 0 and int name)
                possible[name] = true;
        }

        return NameSet.Of(possible);
    }

    // What keys a beginning can become: names, and how many others.
    private (NameSet Names, int Others) Reach(int at)
    {
        ConcurrentDictionary<int, (NameSet Names, int Others)> reach = LazyInitializer.EnsureInitialized(ref _reach, static () => new());
        if (reach.TryGetValue(at, out (NameSet, int) known))
            return known;
        bool[] names = new bool[Names.Count];
        bool others = false;
        foreach (int kind in Keys.Automaton.ReachableLabels(at))
        {
            if (Entry(kind) < 0)
                continue;
            if (NameOf(kind) is >= 0 and int name)
                names[name] = true;
            else
                others = true;
        }

        int count = others ? Keys.Automaton.CountTexts(at, s => Entry(Keys.Automaton.Label(s)) >= 0 && NameOf(Keys.Automaton.Label(s)) < 0, Endless) : 0;
        return reach[at] = (NameSet.Of(names), count);
    }
}
