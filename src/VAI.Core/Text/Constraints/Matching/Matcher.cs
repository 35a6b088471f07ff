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
internal sealed class Matcher
{
    // Of one state: a grammar that needs more is too ambiguous to be followed.
    private const int MostConfigs = 4096;

    // Sets of keys, each of which is followed by a table of its own.
    private const int MostOthers = 64;

    // What is found out on the way along a text, as each character of a string that is counted is a state.
    private const long MostBytes = 16 << 20;
    private const int Chunk = 1024;

    // What one costs, as the memory that it takes and the work that it is.
    private const int StateBytes = 180, ConfigBytes = 24, StateWork = 8;

    private readonly Grammar _grammar;
    private readonly Frames _frames = new();
    private readonly Dictionary<Key, MatchState> _known = [];
    private readonly List<MatchState> _states = [];
    private readonly Dictionary<ImmutableSortedSet<string>, Automaton> _others = [];
    private readonly HashSet<Config> _configs = [];
    private readonly HashSet<(int Node, Frame? Stack)> _closed = [];
    private bool _accepts;
    private long _bytes;

    /// <exception cref="ConstraintTooLarge">The grammar is too ambiguous.</exception>
    public Matcher(Grammar grammar)
    {
        _grammar = grammar;
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
            if (state.Partial == 0 && _grammar[config.Node] is TokenNode node && node.Token == token)
                Close(node.Next, config.Stack);
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
            {
                // Where a text is may be deep by itself.
                reader.MoveTo(new Matcher(_grammar));
                most = Math.Max(MostBytes, 2 * reader.Matcher.Bytes);
            }

            if (!reader.Take(some))
                return false;
        }

        return reader.State.Accepts;
    }

    /// <summary>The control tokens that may come.</summary>
    public IEnumerable<int> Tokens(MatchState state) =>
        state.Partial != 0 ? [] : state.Configs.Select(c => _grammar[c.Node]).OfType<TokenNode>().Select(n => n.Token);

    /// <summary>Notes a key that was closed and is none of its object's known names, so that it does not come again.</summary>
    public MatchState Record(MatchState state, string key)
    {
        Begin();
        _accepts = state.Accepts;
        foreach (Config config in state.Configs)
        {
            Frame? stack = config.Stack;
            if (stack?.Members is { Unrecorded: true } members)
                stack = _frames.Push(stack.Below, stack.Node, stack.Times, members.Recorded(key));
            _configs.Add(config with { Stack = stack });
        }

        return Known(state.Partial)!;
    }

    /// <summary>How many plain characters may come, one after the other, without a change of anything but their number: 0 for none that is known.</summary>
    public int Plain(MatchState state)
    {
        int most = 0;
        foreach (Config config in state.Configs)
        {
            if (state.Partial != 0 || config.Escape != 0)
                continue;
            int count = _grammar[config.Node] switch
            {
                StringNode text when text.Language.LoopsOnPlain(config.State) => Left(text, config),
                TextNode text when text.Language.LoopsOnPlain(config.State) => int.MaxValue,
                _ => 0,
            };
            most = Math.Max(most, count);
        }

        return most;
    }

    // How many characters may come, before those that then have to.
    private static int Left(StringNode text, Config config) =>
        text.Most == int.MaxValue ? int.MaxValue : text.Most - config.Count - text.Language.Distance(config.State);

    private static bool CanTake(StringNode text, Config config, int from, int to) =>
        config.Count < text.Most && text.Language.CanStep(config.State, from, to, text.Most == int.MaxValue ? int.MaxValue : text.Most - config.Count - 1);

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
        StringNode text => CanTake(text, config, from, to),
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
            if (state >= 0 && MayKey(key, config, state, c))
                return true;

            // Of a class one may begin a key that came, and the next none.
            if (state >= 0 && last > c && config.Count >= 0 && MayKey(key, config, state, last))
                return true;
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
                case KeyNode key:
                    TakeKey(config, key, c);
                    break;
            }
        }

        return Known(0);
    }

    private void TakeString(Config config, StringNode text, int c)
    {
        if (config.Escape == 0 && c == '"')
        {
            if (text.Language.Accepts(config.State) && config.Count >= text.Least)
                Close(text.Next, config.Stack);
            return;
        }

        if (config.Count >= text.Most || Said(config, c, (from, to) => CanTake(text, config, from, to)) is not { } said
            || text.Language.Step(config.State, said) is not (>= 0 and int to) || (text.Most < int.MaxValue && text.Language.Distance(to) >= text.Most - config.Count))
        {
            return;
        }

        int count = text.Most == int.MaxValue ? Math.Min(config.Count + 1, text.Least) : config.Count + 1;
        Add(config with { State = to, Escape = 0, Count = count });
    }

    private void TakeKey(Config config, KeyNode key, int c)
    {
        ObjectMembers members = key.Of.Members;
        Automaton keys = members.Keys.Automaton;
        Frame frame = config.Stack!;
        if (config.Escape == 0 && c == '"')
        {
            CloseKey(config, members, frame);
            return;
        }

        if (Said(config, c, (from, to) => CanTakeKey(key, config, from, to)) is not { } said
            || keys.Step(config.State, said) is not (>= 0 and int to) || !MayKey(key, config, to, said))
        {
            return;
        }

        int taken = config.Count < 0 || frame.Members!.Others.IsEmpty ? -1 : Others(frame.Members).Step(config.Count, said);
        Add(config with { State = to, Escape = 0, Count = taken });
    }

    // What a character within a JSON string says; null where it is none of it, or an escape goes on, which is then a way of its own.
    private int? Said(Config config, int c, Func<int, int, bool> may)
    {
        if (config.Escape == 0 && c != '\\')
            return c < 0x20 ? null : c;
        int escape = config.Escape;
        int said = escape != 0 ? StringEscape.Take(may, ref escape, c) : may(0, 0x10FFFF) ? -1 : -2;
        if (said == -1)
            Add(config with { Escape = config.Escape == 0 ? StringEscape.Begun : escape });
        return said < 0 ? null : said;
    }

    private void CloseKey(Config config, ObjectMembers members, Frame frame)
    {
        if (!members.Keys.Automaton.Accepts(config.State))
            return;
        int kind = members.Keys.Automaton.Label(config.State), entry = members.Entry(kind), name = members.NameOf(kind);
        if (entry < 0)
            return;
        MembersState state = frame.Members!;
        if (name >= 0 ? !members.MayCome(name, state) : !members.MayOther(state) || (config.Count >= 0 && Others(state).Accepts(config.Count)))
            return;
        Close(entry, _frames.Push(frame.Below, frame.Node, 0, name >= 0 ? state.With(name) : state.WithOther()));
    }

    private Automaton Others(MembersState state)
    {
        if (!_others.TryGetValue(state.Others, out Automaton? keys))
        {
            if (_others.Count >= MostOthers)
                _others.Clear();
            _others[state.Others] = keys = Automaton.OfStrings([.. state.Others], new Fuel());
        }

        return keys;
    }

    private void Work(long count)
    {
        if ((WorkLeft -= count) < 0)
            throw new ConstraintTooLarge("it is too ambiguous: what may come next takes too long to find out");
    }

    private void Begin()
    {
        _configs.Clear();
        _closed.Clear();
        _accepts = false;
    }

    private void Add(Config config)
    {
        if (_configs.Add(config) && _configs.Count > MostConfigs)
            throw new ConstraintTooLarge("it is too ambiguous: a text can go on in more than 4,096 ways");
    }

    private void Text(int node, TextNode text, int state, Frame? stack)
    {
        if (text.Language.CanGoOn(state))
            Add(new Config(node, state, 0, 0, stack));
        if (text.Language.Accepts(state))
            Close(text.Next, stack);
    }

    // What comes next without a character.
    private void Close(int node, Frame? stack)
    {
        if (!System.Runtime.CompilerServices.RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new ConstraintTooLarge("its rules begin with each other too deeply");
        if (!_grammar.IsLive(node) || !_closed.Add((node, stack)))
            return;
        Work(1);
        if (_closed.Count > 4 * MostConfigs)
            throw new ConstraintTooLarge("it is too ambiguous: a text can go on in more than 4,096 ways");
        switch (_grammar[node])
        {
            case EndNode when stack is null:
                _accepts = true;
                break;
            case EndNode:
                Return(stack);
                break;
            case TextNode text:
                Text(node, text, 0, stack);
                break;
            case StringNode:
            case TokenNode:
                Add(new Config(node, 0, 0, 0, stack));
                break;
            case KeyNode key:
                if (key.Of.Members.MayGoOn(stack!.Members!))
                    Add(new Config(node, 0, 0, stack.Members!.Others.IsEmpty ? -1 : 0, stack));
                break;
            case ChoiceNode choice:
                foreach (int one in choice.Of)
                    Close(one, stack);
                break;
            case CallNode call:
                Close(call.Rule, _grammar[call.Next] is EndNode && stack is not null ? stack : _frames.Push(stack, call.Next));
                break;
            case RepeatNode repeat:
                Repeat(node, repeat, 0, stack);
                break;
            case MembersNode members:
                Members(members, _frames.Push(stack, node, 0, MembersState.None(members.Members.Names.Count)), members.Members.FirstKey);
                break;
            case MemberEndNode end:
                Members(end.Of, stack!, end.Of.Members.NextKey);
                break;
        }
    }

    private void Return(Frame stack)
    {
        if (_grammar[stack.Node] is RepeatNode repeat && stack.Times > 0)
            Repeat(stack.Node, repeat, stack.Times, stack.Below);
        else
            Close(stack.Node, stack.Below);
    }

    // So often it came.
    private void Repeat(int node, RepeatNode repeat, int times, Frame? below)
    {
        if (times >= repeat.Least)
            Close(repeat.Next, below);
        if (times < repeat.Most)
            Close(repeat.Rule, _frames.Push(below, node, repeat.Most == int.MaxValue ? Math.Min(times + 1, repeat.Least + 1) : times + 1));
    }

    private void Members(MembersNode node, Frame frame, int key)
    {
        if (node.Members.MayEnd(frame.Members!))
            Close(node.Next, frame.Below);
        if (node.Members.MayGoOn(frame.Members!))
            Close(key, frame);
    }

    private MatchState? Known(uint partial)
    {
        if (_configs.Count == 0 && !_accepts)
            return null;
        Config[] configs = [.. _configs];
        Array.Sort(configs);
        var key = new Key(configs, partial, _accepts);
        if (_known.TryGetValue(key, out MatchState? known))
            return known;
        Work(StateWork);
        _bytes += StateBytes + (ConfigBytes * configs.Length);
        known = new MatchState(_states.Count + 1, configs, partial, _accepts);
        _states.Add(known);
        return _known[key] = known;
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
