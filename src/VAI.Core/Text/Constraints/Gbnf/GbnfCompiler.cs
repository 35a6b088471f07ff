using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Grammars;

namespace VAI.Text.Constraints.Gbnf;

/// <summary>
/// From GBNF to a grammar. What contains no rule that contains itself is one automaton where that is small; rules that do are called; repetitions are
/// counters, whose rule matches no empty text.
/// </summary>
internal sealed class GbnfCompiler
{
    private readonly GrammarBuilder _grammar;
    private readonly GbnfLanguages _languages = new();
    private readonly Dictionary<(GbnfRule Rule, bool Some), int> _places = [];
    private readonly Queue<(GbnfRule Rule, bool Some)> _open = new();

    private GbnfCompiler(GrammarBuilder grammar) => _grammar = grammar;

    /// <summary>Adds the rule of an answer.</summary>
    /// <param name="grammar">To what.</param>
    /// <param name="source">The grammar's text.</param>
    /// <exception cref="GbnfError">It cannot be held.</exception>
    public static int Add(GrammarBuilder grammar, string source)
    {
        IReadOnlyList<GbnfRule> rules = GbnfReader.Read(source);
        GbnfNullability.Find(rules);
        GbnfLeftRecursion.Check(rules);
        foreach (GbnfRule rule in rules)
            GbnfTails.Unroll(rule);
        GbnfSizes.Measure(rules);
        var compiler = new GbnfCompiler(grammar);
        int root = compiler.Place(rules[0], some: false);
        compiler.AddRules();
        return root;
    }

    // Those that are called; others are not looked at further.
    private void AddRules()
    {
        while (_open.TryDequeue(out (GbnfRule Rule, bool Some) next))
        {
            try
            {
                int start = next.Some ? Some(next.Rule.Body!, _grammar.End) : Add(next.Rule.Body!, _grammar.End);
                _grammar.Set(_places[next], new ChoiceNode([start]));
            }
            catch (ConstraintTooLarge e)
            {
                throw new GbnfError(next.Rule.Line, $"with the rule {next.Rule} {e.Message}. Make the grammar simpler");
            }
        }
    }

    private int Place(GbnfRule rule, bool some)
    {
        some &= rule.IsNullable;
        if (_places.TryGetValue((rule, some), out int place))
            return place;
        _open.Enqueue((rule, some));
        return _places[(rule, some)] = _grammar.Reserve();
    }

    // The texts of a part, and what is behind it.
    private int Add(GbnfItem item, int next)
    {
        if (item is GbnfSequence { Parts.Count: 0 })
            return next;
        if (_languages.Of(item) is { } language)
            return Text(language, next);
        return item switch
        {
            GbnfSequence sequence => Sequence(sequence, next),
            GbnfChoice choice => Choice(choice, next),
            GbnfRepeat repeat => Repeat(repeat, next),
            GbnfReference reference => _grammar.Add(new CallNode(Place(reference.Rule, some: false), next)),
            _ => throw new InvalidOperationException(),
        };
    }

    // The same without the empty text.
    private int Some(GbnfItem item, int next)
    {
        if (!item.IsNullable)
            return Add(item, next);
        if (item is not GbnfSequence { Parts.Count: 0 } && _languages.Of(item) is { } language)
            return Text(_languages.Some(language), next);
        switch (item)
        {
            case GbnfSequence sequence:
                // The first part that is not empty may be any.
                var firsts = new List<int>();
                for (int i = sequence.Parts.Count - 1; i >= 0; i--)
                {
                    firsts.Add(Some(sequence.Parts[i], next));
                    next = i > 0 ? Add(sequence.Parts[i], next) : next;
                }

                return _grammar.Choice(firsts);
            case GbnfChoice choice:
                return _grammar.Choice([.. choice.Of.Select(one => Some(one, next))]);
            case GbnfRepeat repeat:
                return SomeOfRepeat(repeat, next);
            case GbnfReference reference:
                return _grammar.Add(new CallNode(Place(reference.Rule, some: true), next));
            default:
                throw new InvalidOperationException();
        }
    }

    private int Text(Automaton language, int next) =>
        language.Accepts(0) && !language.CanGoOn(0) ? next : _grammar.Text(language, next);

    // Neighbours that are small are one automaton.
    private int Sequence(GbnfSequence sequence, int next)
    {
        for (int last = sequence.Parts.Count - 1; last >= 0; last--)
        {
            int first = last;
            for (int size = sequence.Parts[last].Size; first > 0 && size + sequence.Parts[first - 1].Size < GbnfLanguages.MostSize; first--)
                size += sequence.Parts[first - 1].Size;
            if (first < last && _languages.Of(Measured(new GbnfSequence([.. sequence.Parts.Skip(first).Take(last - first + 1)]))) is { } language)
            {
                next = Text(language, next);
                last = first;
                continue;
            }

            next = Add(sequence.Parts[last], next);
        }

        return next;
    }

    // What is small is one automaton, or else what is alike.
    private int Choice(GbnfChoice choice, int next)
    {
        var ways = new List<int>();
        List<GbnfItem> small = [.. choice.Of.Where(o => o.Size < GbnfLanguages.MostSize)], others = [.. choice.Of.Except(small)];
        if (small.Count > 1 && _languages.Of(Measured(new GbnfChoice(small))) is { } language)
        {
            ways.Add(Text(language, next));
        }
        else
        {
            List<string> texts = [.. small.OfType<GbnfText>().Select(t => t.Text)];
            List<CharRange> ranges = [.. small.OfType<GbnfSet>().SelectMany(s => s.Set.Ranges)];
            if (texts.Count > 0)
                ways.Add(Text(_languages.Texts(texts), next));
            if (ranges.Count > 0)
                ways.Add(Add(new GbnfSet(CharSet.OfRanges(ranges)), next));
            others = [.. choice.Of.Where(o => o.Size >= GbnfLanguages.MostSize || o is not (GbnfText or GbnfSet))];
        }

        ways.AddRange(others.Select(o => Add(o, next)));
        return _grammar.Choice(ways);
    }

    // Empty ones may be as many as are missing, so that there have to be none.
    private int Repeat(GbnfRepeat repeat, int next)
    {
        if (repeat.Most == 1)
            return _grammar.Choice([Add(repeat.Inner, next), next]);
        return _grammar.Add(new RepeatNode(Some(repeat.Inner, _grammar.End), repeat.Inner.IsNullable ? 0 : repeat.Least, repeat.Most, next));
    }

    private int SomeOfRepeat(GbnfRepeat repeat, int next) => repeat.Most == 1
        ? Some(repeat.Inner, next) : _grammar.Add(new RepeatNode(Some(repeat.Inner, _grammar.End), 1, repeat.Most, next));

    private static GbnfItem Measured(GbnfItem item)
    {
        IReadOnlyList<GbnfItem> parts = item switch { GbnfSequence sequence => sequence.Parts, GbnfChoice choice => choice.Of, _ => [] };
        item.Size = (int)Math.Min(GbnfSizes.Endless, 1 + parts.Sum(p => (long)p.Size));
        item.Depth = 1 + parts.Max(p => p.Depth);
        return item;
    }
}
