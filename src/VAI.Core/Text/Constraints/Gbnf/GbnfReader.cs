using VAI.Text.Constraints.Automata;

namespace VAI.Text.Constraints.Gbnf;

/// <summary>
/// Reads GBNF, llama.cpp's language of grammars, as its grammars/README.md has it. Groups are on a stack of the reader's own. What there would become
/// something that nobody means (a second rule of a name, an empty class, a range out of order, a count that is too large) is an error here.
/// </summary>
internal sealed class GbnfReader
{
    /// <summary>Most characters of a grammar.</summary>
    public const int MostCharacters = 1 << 20;

    /// <summary>Most groups within each other.</summary>
    public const int MostDepth = 200;

    /// <summary>The largest count of a repetition.</summary>
    public const int MostTimes = 2_000_000_000;

    private const int MostRules = 10_000;
    private const int MostParts = 100_000;

    // A group has a choice, a sequence and a repetition.
    private const int MostHeight = (3 * MostDepth) + 40;

    private readonly GbnfCursor _cursor;
    private readonly Dictionary<string, GbnfRule> _byName = new(StringComparer.Ordinal);
    private readonly List<GbnfRule> _rules = [];
    private readonly Dictionary<CharSet, GbnfSet> _sets = [];
    private readonly Stack<Group> _open = new();
    private int _parts;

    private GbnfReader(string source) => _cursor = new GbnfCursor(source);

    /// <summary>The rules of a grammar, all of which are defined; that of the answer is the first.</summary>
    /// <exception cref="GbnfError">It is malformed, or too large.</exception>
    public static IReadOnlyList<GbnfRule> Read(string source)
    {
        if (source.Length > MostCharacters)
            throw new GbnfError(1, $"the grammar has {source.Length} characters; at most {MostCharacters} are taken. Make it shorter");
        var reader = new GbnfReader(source);
        GbnfRule root = reader.Rule("root");
        reader._cursor.SkipSpace(lines: true);
        while (!reader._cursor.IsAtEnd)
            reader.ReadRule();
        if (root.Body is null)
            throw new GbnfError(reader._cursor.Line, "no rule is named 'root', which is what an answer is. Name one so");
        if (reader._rules.FirstOrDefault(r => r.Body is null) is { } missing)
            throw new GbnfError(missing.Line, $"no rule is named {missing}. Define it, or write a text in quotes");
        return reader._rules;
    }

    private GbnfRule Rule(string name)
    {
        if (_byName.TryGetValue(name, out GbnfRule? rule))
            return rule;
        if (_rules.Count == MostRules)
            throw _cursor.Error($"there are more than {MostRules} rules. Write fewer");
        _rules.Add(rule = new GbnfRule(name, _cursor.Line));
        return _byName[name] = rule;
    }

    private void ReadRule()
    {
        int line = _cursor.Line;
        string name = _cursor.ReadName();
        if (name.Length == 0)
            throw _cursor.Error($"a rule begins with its name, not with '{_cursor.Show(10)}'. One goes on in the next line behind a '|' or within parentheses");
        GbnfRule rule = Rule(name);
        _cursor.SkipSpace(lines: false);
        if (!_cursor.Skip("::="))
            throw _cursor.Error($"behind the name '{name}' comes '::=', not '{_cursor.Show(10)}'");
        if (rule.Body is not null)
            throw new GbnfError(line, $"the rule '{name}' is defined in line {rule.Line} too. Define it once, with '|' between what it can be");
        rule.Line = line;
        _cursor.SkipSpace(lines: true);
        rule.Body = ReadBody();
        if (!_cursor.IsAtEnd && _cursor.Next is not ('\r' or '\n'))
            throw _cursor.Error(_cursor.Next == ')' ? "a ')' closes no group. Leave it out, or write '('" : $"'{_cursor.Show()}' is not expected here. A rule ends with its line; texts are in quotes");
        _cursor.SkipSpace(lines: true);
    }

    private GbnfItem ReadBody()
    {
        _open.Push(new Group(_cursor.Line));
        while (true)
        {
            Group group = _open.Peek();
            char next = _cursor.Next;
            if (_cursor.Skip('|'))
            {
                group.EndBranch();
                _cursor.SkipSpace(lines: true);
                continue;
            }

            if (_cursor.Skip('('))
            {
                if (_open.Count > MostDepth)
                    throw _cursor.Error($"more than {MostDepth} groups are within each other. Make rules of some");
                _open.Push(new Group(_cursor.Line));
                _cursor.SkipSpace(lines: true);
                continue;
            }

            if (next is '*' or '+' or '?' or '{')
            {
                Repeat(group);
            }
            else if (next == ')' && _open.Count > 1)
            {
                _cursor.Skip(')');
                _open.Pop();
                _open.Peek().Branch.Add(Checked(group.End()));
            }
            else if (ReadItem() is { } item)
            {
                group.Branch.Add(item);
            }
            else
            {
                break;
            }

            if (++_parts > MostParts)
                throw _cursor.Error($"there are more than {MostParts} parts. Make the grammar smaller");
            _cursor.SkipSpace(lines: _open.Count > 1);
        }

        Group last = _open.Pop();
        if (_open.Count > 0)
            throw new GbnfError(last.Line, $"a '(' is not closed: '{_cursor.Show(10)}' comes in line {_cursor.Line}. Write a ')'");
        return Checked(last.End());
    }

    // Null for none.
    private GbnfItem? ReadItem()
    {
        switch (_cursor.Next)
        {
            case '"':
                _cursor.Skip('"');
                string text = GbnfCharacters.ReadText(_cursor);
                return text.Length == 0 ? new GbnfSequence([]) : new GbnfText(text);
            case '[':
                _cursor.Skip('[');
                return Set(GbnfCharacters.ReadClass(_cursor));
            case '.':
                _cursor.Skip('.');
                return Set(CharSet.All);
            case '<' or '!':
                throw _cursor.Error(
                    $"'{_cursor.Show(20)}' is a token, and only texts can be held. Write a text in quotes; what a model thinks before its answer is free, and needs no rule");
            case char c when GbnfCursor.IsOfName(c):
                GbnfRule rule = Rule(_cursor.ReadName());
                return new GbnfReference(rule);
            default:
                return null;
        }
    }

    private GbnfSet Set(CharSet set)
    {
        if (!_sets.TryGetValue(set, out GbnfSet? known))
            _sets[set] = known = new GbnfSet(set);
        return known;
    }

    private void Repeat(Group group)
    {
        char kind = _cursor.Next;
        if (group.Branch.Count == 0)
            throw _cursor.Error($"there is nothing that '{kind}' could repeat. Write it behind what comes again");
        _cursor.Skip(kind);
        (int least, int most) = kind switch
        {
            '*' => (0, int.MaxValue),
            '+' => (1, int.MaxValue),
            '?' => (0, 1),
            _ => Counts(),
        };
        group.Branch[^1] = Checked(GbnfRepetition.Of(group.Branch[^1], least, most));
    }

    private (int Least, int Most) Counts()
    {
        bool lines = _open.Count > 1;
        _cursor.SkipSpace(lines);
        long least = _cursor.ReadNumber(MostTimes + 1L), most = least;
        if (least < 0)
            throw _cursor.Error($"behind '{{' comes a number, not '{_cursor.Show()}'. Write {{n}}, {{n,}}, {{n,m}} or {{0,m}}");
        _cursor.SkipSpace(lines);
        if (_cursor.Skip(','))
        {
            _cursor.SkipSpace(lines);
            most = _cursor.ReadNumber(MostTimes + 1L);
            most = most < 0 ? int.MaxValue : most;
            _cursor.SkipSpace(lines);
        }

        if (!_cursor.Skip('}'))
            throw _cursor.Error($"a count ends with '}}', not with '{_cursor.Show()}'");
        if (least > MostTimes || most is > MostTimes and not int.MaxValue)
            throw _cursor.Error($"a count is larger than {MostTimes}. Make it smaller, or leave the upper one out");
        if (most < least)
            throw _cursor.Error($"the counts {{{least},{most}}} are out of order. Write the smaller one first");
        return ((int)least, (int)most);
    }

    private GbnfItem Checked(GbnfItem item) => item.Height <= MostHeight
        ? item : throw _cursor.Error("groups and counts are too deep within each other. Make rules of some");

    // A group that is not closed yet, or a rule.
    private sealed class Group(int line)
    {
        private readonly List<GbnfItem> _ended = [];

        public int Line => line;

        public List<GbnfItem> Branch { get; private set; } = [];

        public void EndBranch()
        {
            _ended.Add(Branch.Count == 1 ? Branch[0] : new GbnfSequence(Branch));
            Branch = [];
        }

        public GbnfItem End()
        {
            EndBranch();
            return _ended.Count == 1 ? _ended[0] : new GbnfChoice(_ended);
        }
    }
}
