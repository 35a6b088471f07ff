using System.Collections.Immutable;
using System.Runtime.CompilerServices;
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

    // Of rules that begin with each other: an error from far below takes long to come up.
    private const int MostDepth = 4000;

    // 24 bytes each; a stack takes five times that.
    private const int ConfigsOfWeight = 32, FramesOfWeight = 8;

    // A link to an object that goes on, and not to its begin.
    private const int OfMembers = -1;

    // Sets of keys, each of which is followed by a table of its own.
    private const int MostOthers = 64;

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
    private int _weight;
    private long _work;
    private long _mostWork = long.MaxValue;

    /// <exception cref="ConstraintTooLarge">The grammar is too ambiguous.</exception>
    public Matcher(Grammar grammar)
    {
        (_grammar, _frames) = (grammar, new Frames(grammar));
        Close(grammar.Start, null);
        Start = Known(0) ?? throw new ConstraintTooLarge("nothing satisfies it");
    }

    public MatchState Start { get; }

    /// <summary>What it takes so far, in KiB.</summary>
    public int Weight => _weight + (_frames.Weight / FramesOfWeight);

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
        int id = state.Row[next];
        if (id != MatchState.Unknown)
            return id;
        return state.Row[next] = Make(state, next)?.Id ?? MatchState.Dead;
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

    /// <summary>Whether a text satisfies the grammar.</summary>
    public bool Matches(string text)
    {
        var reader = new ConstraintReader(this);
        return reader.Take(Encoding.UTF8.GetBytes(text)) && reader.State.Accepts;
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
                stack = _frames.Of(stack.Links, members with { Others = members.Others.Add(key), Unrecorded = false });
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
                StringNode text when text.Language.LoopsOnPlain(config.State) => text.Most == int.MaxValue ? int.MaxValue : text.Most - config.Count,
                TextNode text when text.Language.LoopsOnPlain(config.State) => int.MaxValue,
                TextNode text when config.State == 0 && text.Language.EndsOnPlain(0) => PlainTimes(config, text),
                _ => 0,
            };
            most = Math.Max(most, count);
        }

        return most;
    }

    /// <summary>Bounds what is found out from here on, until it is told otherwise.</summary>
    /// <param name="most">Steps of some 100 ns; null for no bound.</param>
    public void Bound(long? most) => _mostWork = most is { } steps ? _work + steps : long.MaxValue;

    // Of a repetition of plain characters, how often it may come; 0 for so few that a token may go beyond it.
    private int PlainTimes(Config config, TextNode text)
    {
        int most = 0;
        for (int i = 0; _grammar[text.Next] is EndNode && i < config.Stack?.Links.Count; i++)
        {
            Link link = config.Stack.Links[i];
            if (_grammar[link.Node] is RepeatNode repeat && repeat.Rule == config.Node && link.Times > 0)
                most = Math.Max(most, repeat.Most == int.MaxValue ? int.MaxValue : repeat.Most - link.Times + 1);
        }

        return most >= VocabularyTries.MostCounted ? most : 0;
    }

    private MatchState? Make(MatchState state, byte next)
    {
        _work += 1 + state.Configs.Length + _closed.Count + _links;
        if (_work > _mostWork)
            throw new ConstraintTooLarge("it is too ambiguous: finding out what may come next takes too long");
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
        StringNode text => config.Count < text.Most && text.Language.CanStep(config.State, from, to),
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
        return key.Of.Members.MayAt(state, members, at < 0 ? 0 : Others(members).CountTexts(at, static _ => true, members.Others.Count));
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

        if (config.Count >= text.Most || Said(config, c, (from, to) => text.Language.CanStep(config.State, from, to)) is not { } said
            || text.Language.Step(config.State, said) is not (>= 0 and int to))
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
        Close(entry, _frames.Of(frame.Links, name >= 0 ? state.With(name) : state.WithOther()));
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

    private void Begin()
    {
        _configs.Clear();
        _closed.Clear();
        _begun.Clear();
        _links = _depth = 0;
        _accepts = false;
    }

    private void Add(Config config)
    {
        if (_configs.Add(config) && _configs.Count > MostConfigs)
            throw TooAmbiguous();
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
        if (++_depth > MostDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new ConstraintTooLarge("its rules begin with each other too deeply");
        CloseNew(node, stack);
        _depth--;
    }

    private void CloseNew(int node, Frame? stack)
    {
        if (!_grammar.IsLive(node) || !_closed.Add((node, stack)))
            return;
        if (_closed.Count > 4 * MostConfigs)
            throw TooAmbiguous();
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
                Begin(call.Rule, new Link(call.Next, 0, stack));
                break;
            case RepeatNode repeat:
                Repeat(node, repeat, 0, stack);
                break;
            case MembersNode members:
                BeginMembers(node, members, new Link(node, OfMembers, stack));
                break;
            case MemberEndNode end:
                if (end.Of.Members.MayEnd(stack!.Members!))
                    Return(stack);
                if (end.Of.Members.MayGoOn(stack.Members!))
                    Close(end.Of.Members.NextKey, stack);
                break;
        }
    }

    // A rule that is called from several places at once is followed once.
    private void Begin(int rule, Link link)
    {
        if (Join(rule, link))
            return;
        var frame = new Frame(link, null);
        _begun.Add(rule, frame);
        Close(rule, frame);
    }

    private void BeginMembers(int node, MembersNode members, Link link)
    {
        if (Join(node, link))
            return;
        var none = MembersState.None(members.Members.Names.Count);
        var frame = new Frame(link, none);
        _begun.Add(node, frame);
        if (members.Members.MayEnd(none))
            Return(frame);
        if (members.Members.MayGoOn(none))
            Close(members.Members.FirstKey, frame);
    }

    private bool Join(int node, Link link)
    {
        if (++_links > 4 * MostConfigs)
            throw TooAmbiguous();
        if (!_begun.TryGetValue(node, out Frame? frame))
            return false;
        frame.Add(link);
        if (frame.HasEnded)
            Return(link);
        return true;
    }

    private void Return(Frame stack)
    {
        stack.HasEnded |= stack.Id == 0;

        // Those that come while it returns do so themselves.
        int count = stack.Links.Count;
        for (int i = 0; i < count; i++)
            Return(stack.Links[i]);
    }

    private void Return(Link link)
    {
        switch (_grammar[link.Node])
        {
            case RepeatNode repeat when link.Times > 0:
                Repeat(link.Node, repeat, link.Times, link.Below);
                break;
            case MembersNode members when link.Times == OfMembers:
                Close(members.Next, link.Below);
                break;
            default:
                Close(link.Node, link.Below);
                break;
        }
    }

    // So often it came.
    private void Repeat(int node, RepeatNode repeat, int times, Frame? below)
    {
        if (times >= repeat.Least)
            Close(repeat.Next, below);
        if (times < repeat.Most)
            Begin(repeat.Rule, new Link(node, repeat.Most == int.MaxValue ? Math.Min(times + 1, repeat.Least + 1) : times + 1, below));
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
        known = new MatchState(_states.Count + 1, configs, partial, _accepts);
        _states.Add(known);
        _weight += 1 + (configs.Length / ConfigsOfWeight);
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

    private static ConstraintTooLarge TooAmbiguous() => new("it is too ambiguous: a text can go on in more than 4,096 ways");

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
