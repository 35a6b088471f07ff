using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Grammars;
using VAI.Text.Constraints.Matching;

namespace VAI.Text.Constraints.Gbnf;

/// <summary>
/// From GBNF to a grammar. What contains no rule that contains itself is one automaton where that is small; rules that do are called; repetitions are
/// counters, whose rule matches no empty text.
/// </summary>
internal sealed class GbnfCompiler
{
    // Fewer are taken one by one where they make no automaton.
    private const int FewParts = 30;

    private readonly GrammarBuilder _grammar;
    private readonly GbnfLanguages _languages = new();
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

    /// <summary>Whether a grammar that was made of it can be begun.</summary>
    /// <exception cref="GbnfError">It cannot.</exception>
    public static void Check(Grammar grammar, string source)
    {
        try
        {
            if (!grammar.IsPossible)
                throw new GbnfError(GbnfReader.Read(source)[0].Line, "no text satisfies the rule 'root', as each way through it comes back to one without an end. Let one end");
            _ = new Matcher(grammar);
        }
        catch (ConstraintTooLarge e)
        {
            throw new GbnfError(GbnfReader.Read(source)[0].Line, $"with the rule 'root' {e.Message}. Make the grammar simpler");
        }
    }

    // Those that are called; others are not looked at further.
    private void AddRules()
    {
        while (_open.TryDequeue(out (GbnfRule Rule, bool Some) next))
        {
            try
            {
                int start = next.Some ? Some(next.Rule.Body!, _grammar.End) : Add(next.Rule.Body!, _grammar.End);
                _grammar.Set(next.Some ? next.Rule.PlaceOfSome : next.Rule.Place, new ChoiceNode([start]));
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
        int place = some ? rule.PlaceOfSome : rule.Place;
        if (place != 0)
            return place;
        _open.Enqueue((rule, some));
        place = _grammar.Reserve();
        if (some)
            rule.PlaceOfSome = place;
        else
            rule.Place = place;
        return place;
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

    // Neighbours that are small are one automaton, or fewer of them.
    private int Sequence(GbnfSequence sequence, int next)
    {
        int most = GbnfLanguages.MostSize;
        for (int last = sequence.Parts.Count - 1; last >= 0;)
        {
            int first = last;
            for (int size = sequence.Parts[last].Size; first > 0 && size + sequence.Parts[first - 1].Size < most; first--)
                size += sequence.Parts[first - 1].Size;
            if (first < last && !_languages.IsSpent)
            {
                var run = new GbnfSequence([.. sequence.Parts.Skip(first).Take(last - first + 1)]);
                if (_languages.Of(Measured(run)) is { } language)
                {
                    next = Text(language, next);
                    last = first - 1;
                    continue;
                }

                if (most > FewParts)
                {
                    most /= 4;
                    continue;
                }
            }

            next = Add(sequence.Parts[last--], next);
        }

        return next;
    }

    // What is small is one automaton, or else what is alike, and what else fits into one.
    private int Choice(GbnfChoice choice, int next)
    {
        var ways = new List<int>();
        List<GbnfItem> small = [.. choice.Of.Where(o => o.Size < GbnfLanguages.MostSize)];
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
            AddTogether([.. small.Where(o => o is not (GbnfText or GbnfSet))], next, ways);
        }

        ways.AddRange(choice.Of.Where(o => o.Size >= GbnfLanguages.MostSize).Select(o => Add(o, next)));
        return _grammar.Choice(ways);
    }

    private void AddTogether(List<GbnfItem> items, int next, List<int> ways)
    {
        for (int first = 0; first < items.Count;)
        {
            GrammarBuilder.CheckWays(ways.Count);
            int end = first;
            for (int size = 1; end < items.Count && size + items[end].Size < GbnfLanguages.MostSize; end++)
                size += items[end].Size;
            end = Math.Max(end, first + 1);
            List<GbnfItem> run = items.GetRange(first, end - first);
            if (run.Count > 1 && _languages.Of(Measured(new GbnfChoice(run))) is { } language)
                ways.Add(Text(language, next));
            else
                ways.AddRange(run.Select(o => Add(o, next)));
            first = end;
        }
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
