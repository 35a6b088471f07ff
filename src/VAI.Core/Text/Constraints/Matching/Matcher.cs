using System.Collections.Immutable;
using System.Text;
using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Grammars;

namespace VAI.Text.Constraints.Matching;

/// <summary>
/// Follows a grammar byte by byte. The sets of ways that a text can go on are made into states as they come up, and kept with what follows them, so
/// that a text of known shape costs one look for each byte. Each state can come to an end: nothing is allowed that leads nowhere.
/// </summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed partial class Matcher
{
    // Of one state: a grammar that needs more is too ambiguous to be followed.
    private const int MostConfigs = GrammarBuilder.MostWays;

    // Of rules that begin with each other: an error from far below takes long to come up.
    private const int MostDepth = 4000;

    // A link to an object that goes on, and not to its begin.
    private const int OfMembers = -1;

    // Sets of keys, each of which is followed by a table of its own.
    private const int MostOthers = 8;

    // What is found out on the way along a text, as each character of a string that is counted is a state.
    private const long MostBytes = 16 << 20;
    private const int Chunk = 1024;

    // What one costs, as the memory that it takes and the work that it is.
    private const int StateBytes = 180, ConfigBytes = 24, StateWork = 8;

    private readonly Grammar _grammar;
    private readonly Frames _frames;
    private readonly Dictionary<Key, MatchState> _known = [];
    private readonly List<MatchState> _states = [];
    private readonly Dictionary<ImmutableSortedSet<string>, Automaton> _others = [];
    private readonly HashSet<Config> _configs = [];
    private readonly HashSet<(int Node, Frame? Stack)> _closed = [];

    // Rules and objects that begin at this place of the text, by their first node.
    private readonly Dictionary<int, Frame> _begun = [];
    private bool _accepts;
    private int _links;
    private int _depth;
    private long _bytes;

    /// <exception cref="ConstraintTooLarge">The grammar is too ambiguous.</exception>
    public Matcher(Grammar grammar)
    {
        (_grammar, _frames) = (grammar, new Frames(grammar));
        Close(grammar.Start, null);
        Start = Known(0) ?? throw new ConstraintTooLarge("nothing satisfies it");
    }

    public MatchState Start { get; }

    /// <summary>States so far.</summary>
    public int Count => _states.Count;

    /// <summary>About how much memory they take.</summary>
    public long Bytes => _bytes + _frames.Bytes;

    /// <summary>
    /// How much may be found out from now on, before it is too much: ways that a text can go on, of some 30 ns each. What is known costs nothing.
    /// </summary>
    public long WorkLeft { get; set; } = long.MaxValue;

    public MatchState this[int id] => _states[id - 1];

    /// <summary>The state behind a byte; null where it may not come.</summary>
    public MatchState? Step(MatchState state, byte next)
    {
        int id = StepId(state, next);
        return id == MatchState.Dead ? null : this[id];
    }

    /// <summary>The same as its number, <see cref="MatchState.Dead"/> for none.</summary>
    public int StepId(MatchState state, byte next)
    {
        int id = state.Behind(next);
        if (id != MatchState.Unknown)
            return id;
        id = Make(state, next)?.Id ?? MatchState.Dead;
        _bytes += state.Note(next, id);
        return id;
    }

    /// <summary>The state behind a control token; null where it may not come.</summary>
    public MatchState? StepToken(MatchState state, int token)
    {
        Begin();
        foreach (Config config in state.Configs)
        {
            if (state.Partial != 0)
                break;
            if (_grammar[config.Node] is TokenNode node && node.Token == token)
                Close(node.Next, config.Stack);
            else if (_grammar[config.Node] is KeyNode { IsRaw: true } key && key.StopToken == token)
                CloseKey(config, key.Of.Members, config.Stack!);
        }

        return Known(0);
    }

    /// <summary>A state of another matcher of the same grammar, here: all that follows it is the same.</summary>
    public MatchState Adopt(MatchState state)
    {
        Begin();
        _accepts = state.Accepts;
        var known = new Dictionary<Frame, Frame>(ReferenceEqualityComparer.Instance);
        foreach (Config config in state.Configs)
            _configs.Add(config with { Stack = _frames.Adopt(config.Stack, known) });
        return Known(state.Partial)!;
    }

    /// <summary>Whether a text satisfies the grammar.</summary>
    public bool Matches(string text)
    {
        var reader = new ConstraintReader(this);
        long most = MostBytes;
        foreach (byte[] some in Encoding.UTF8.GetBytes(text).Chunk(Chunk))
        {
            if (reader.Matcher.Bytes > most)
                most = reader.Renew(_grammar, MostBytes);
            if (!reader.Take(some))
                return false;
        }

        return reader.State.Accepts;
    }

    /// <summary>Notes a key that was closed and is none of its object's known names, so that it does not come again.</summary>
    public MatchState Record(MatchState state, string key)
    {
        Begin();
        _accepts = state.Accepts;
        foreach (Config config in state.Configs)
            _configs.Add(config.Stack is { HasUnrecorded: true } stack ? config with { Stack = Recorded(stack, key) } : config);
        return Known(state.Partial)!;
    }

    // What stands behind the key may have begun already, on top of its object.
    private Frame Recorded(Frame frame, string key) => frame.Members is { Unrecorded: true } members
        ? _frames.Of(frame.Links, members.Recorded(key))
        : _frames.Of([.. frame.Links.Select(l => l.Below is { HasUnrecorded: true } below ? l with { Below = Recorded(below, key) } : l)], frame.Members);

    // Whether there is room for such a character, and for what has to come behind it.
    private static bool CanTake(CountedNode text, Config config, int from, int to) =>
        config.Count < text.Most && text.Language.CanStep(config.State, from, to, text.Most == int.MaxValue ? int.MaxValue : text.Most - config.Count - 1);

    // The state behind such a character; -1 where it may not come.
    private static int Step(CountedNode text, Config config, int c) =>
        text.Language.Step(config.State, c) is >= 0 and int to && (text.Most == int.MaxValue || text.Language.Distance(to) < text.Most - config.Count) ? to : -1;

    // Where any number may come, no more are counted than have to.
    private static int Counted(CountedNode text, Config config) => text.Most == int.MaxValue ? Math.Min(config.Count + 1, text.Least) : config.Count + 1;

    private MatchState? Make(MatchState state, byte next)
    {
        Work(state.Configs.Length);
        if (state.Partial == 0 && next < 0x80)
            return Take(state, next);
        uint partial = state.Partial;
        int had = partial == 0 ? 0 : partial <= 0xFF ? 1 : partial <= 0xFFFF ? 2 : 3;
        partial |= (uint)next << (8 * had);
        if (!Utf8.TryRange(partial, had + 1, out int from, out int to))
            return null;
        if (from == to)
            return Take(state, from);

        // Only ways that some character goes on which begins so.
        Begin();
        foreach (Config config in state.Configs)
        {
            if (CanTake(config, from, to))
                _configs.Add(config);
        }

        return Known(partial);
    }

    private bool CanTake(Config config, int from, int to) => config.Escape == 0 && _grammar[config.Node] switch
    {
        TextNode text => text.Language.CanStep(config.State, from, to),
        CountedNode text => CanTake(text, config, from, to),
        KeyNode key => CanTakeKey(key, config, from, to),
        _ => false,
    };

    // A character of a key narrows what it can become: each that goes another way is looked at.
    private bool CanTakeKey(KeyNode key, Config config, int from, int to)
    {
        Automaton keys = key.Of.Members.Keys.Automaton;
        for (int c = from; c <= to;)
        {
            (int state, int last) = keys.StepRange(config.State, c);
            last = Math.Min(last, to);

            // Of a class each may begin a key that came; of more than came one begins none.
            int most = state < 0 ? c - 1 : config.Count < 0 ? c : (int)Math.Min(last, c + (long)config.Stack!.Members!.Others.Count);
            for (int at = c; at <= most; at++)
            {
                if (MayKey(key, config, state, at))
                    return true;
            }

            c = last + 1;
        }

        return false;
    }

    private bool MayKey(KeyNode key, Config config, int state, int c)
    {
        MembersState members = config.Stack!.Members!;
        int at = config.Count < 0 || members.Others.IsEmpty ? -1 : Others(members).Step(config.Count, c);

        // Where there are more than came, whatever came, nobody has to count.
        if (at < 0 || key.Of.Members.OthersAt(state) > members.Others.Count)
            return key.Of.Members.MayAt(state, members, 0);
        Work(members.Others.Count);
        return key.Of.Members.MayAt(state, members, Others(members).CountTexts(at, static _ => true, members.Others.Count));
    }

    private MatchState? Take(MatchState state, int c)
    {
        Begin();
        foreach (Config config in state.Configs)
        {
            switch (_grammar[config.Node])
            {
                case TextNode text:
                    if (text.Language.Step(config.State, c) is >= 0 and int to)
                        Text(config.Node, text, to, config.Stack);
                    break;
                case StringNode text:
                    TakeString(config, text, c);
                    break;
                case RawNode text when Step(text, config, c) is >= 0 and int raw:
                    Raw(config.Node, text, raw, Counted(text, config), config.Stack);
                    break;
                case KeyNode key:
                    TakeKey(config, key, c);
                    break;
            }
        }

        return Known(0);
    }

    private void TakeString(Config config, StringNode text, int c)
    {
        if (config.Escape == 0 && c == text.Quote)
        {
            if (text.Language.Accepts(config.State) && config.Count >= text.Least)
                Close(text.Next, config.Stack);
            return;
        }

        if (config.Count < text.Most && Said(config, c, text.Quote) is { } said && Step(text, config, said) is >= 0 and int to)
            Add(config with { State = to, Escape = 0, Count = Counted(text, config) });
    }

    private void TakeKey(Config config, KeyNode key, int c)
    {
        ObjectMembers members = key.Of.Members;
        Automaton keys = members.Keys.Automaton;
        Frame frame = config.Stack!;
        if (config.Escape == 0 && c == key.Stop && key.StopToken < 0)
        {
            CloseKey(config, members, frame);
            return;
        }

        if ((key.IsRaw ? c : Said(config, c, key.Stop)) is not { } said
            || keys.Step(config.State, said) is not (>= 0 and int to) || !MayKey(key, config, to, said))
        {
            return;
        }

        int taken = config.Count < 0 || frame.Members!.Others.IsEmpty ? -1 : Others(frame.Members).Step(config.Count, said);
        Add(config with { State = to, Escape = 0, Count = taken });
    }

    // What a character within a JSON string says; null where it is none of it, or an escape goes on, which is then a way of its own.
    private int? Said(Config config, int c, char quote) => config.Escape != 0 || c == '\\' ? Escaped(config, c, quote) : c < 0x20 ? null : c;

    private int? Escaped(Config config, int c, char quote)
    {
        Config plain = config with { Escape = 0 };
        int escape = config.Escape;
        int said = escape != 0 ? StringEscape.Take((from, to) => CanTake(plain, from, to), ref escape, c, quote)
            : CanTake(plain, 0, CharSet.LastCodePoint) ? -1 : -2;
        if (said == -1)
            Add(config with { Escape = config.Escape == 0 ? StringEscape.Begun : escape });
        return said < 0 ? null : said;
    }

    private void CloseKey(Config config, ObjectMembers members, Frame frame)
    {
        int entry = EntryBehind(config, members, frame);
        if (entry < 0)
            return;
        int name = members.NameOf(members.Keys.Automaton.Label(config.State));
        Close(entry, _frames.Of(frame.Links, name >= 0 ? frame.Members!.With(name) : frame.Members!.WithOther()));
    }

    // Where it goes on behind a key that ends here; -1 where it may not end.
    private int EntryBehind(Config config, ObjectMembers members, Frame frame)
    {
        if (!members.Keys.Automaton.Accepts(config.State))
            return -1;
        int kind = members.Keys.Automaton.Label(config.State), name = members.NameOf(kind);
        MembersState state = frame.Members!;
        bool may = name >= 0 ? members.MayCome(name, state) : members.MayOther(state) && (config.Count < 0 || !Others(state).Accepts(config.Count));
        return may ? members.Entry(kind) : -1;
    }

    private Automaton Others(MembersState state)
    {
        if (!_others.TryGetValue(state.Others, out Automaton? keys))
        {
            if (_others.Count >= MostOthers)
                _others.Clear();
            Work(state.Others.Count);
            _others[state.Others] = keys = Automaton.OfStrings([.. state.Others], new Fuel());
        }

        return keys;
    }

    private void Work(long count)
    {
        if ((WorkLeft -= count) < 0)
            throw new ConstraintTooLarge("it is too ambiguous: what may come next takes too long to find out");
    }

    private MatchState? Known(uint partial)
    {
        if (_configs.Count == 0 && !_accepts)
            return null;
        Config[] configs = [.. _configs];
        if (_begun.Count > 0)
            Close(configs);
        Array.Sort(configs);
        if (_begun.Count > 0)
            configs = Different(configs);
        var key = new Key(configs, partial, _accepts);
        if (_known.TryGetValue(key, out MatchState? known))
            return known;
        Work(StateWork);
        _bytes += StateBytes + (ConfigBytes * configs.Length);
        known = new MatchState(_states.Count + 1, configs, partial, _accepts);
        _states.Add(known);
        return _known[key] = known;
    }

    private void Close(Config[] configs)
    {
        foreach (ref Config config in configs.AsSpan())
        {
            if (config.Stack is { Id: 0 } open)
                config = config with { Stack = _frames.Close(open) };
        }
    }

    // Two stacks that were open may have become one.
    private static Config[] Different(Config[] sorted)
    {
        int count = Math.Min(1, sorted.Length);
        for (int i = 1; i < sorted.Length; i++)
        {
            if (sorted[i] != sorted[count - 1])
                sorted[count++] = sorted[i];
        }

        return count == sorted.Length ? sorted : sorted[..count];
    }

    private readonly struct Key(Config[] configs, uint partial, bool accepts) : IEquatable<Key>
    {
        private readonly int _hash = Hash(configs, partial, accepts);
        private readonly Config[] _configs = configs;
        private readonly uint _partial = partial;
        private readonly bool _accepts = accepts;

        public bool Equals(Key other) => _partial == other._partial && _accepts == other._accepts && _configs.AsSpan().SequenceEqual(other._configs);

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode() => _hash;

        private static int Hash(Config[] configs, uint partial, bool accepts)
        {
            var hash = default(HashCode);
            hash.Add(partial);
            hash.Add(accepts);
            foreach (Config config in configs)
                hash.Add(config);
            return hash.ToHashCode();
        }
    }
}
