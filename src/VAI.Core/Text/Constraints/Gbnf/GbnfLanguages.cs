using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Automata.Expressions;

namespace VAI.Text.Constraints.Gbnf;

/// <summary>
/// Parts of a grammar as automata: one state in place of many ways to go on. What is too large for that, alone or together with all else, is followed
/// rule by rule, but for texts and sets, which are nothing else.
/// </summary>
internal sealed class GbnfLanguages
{
    /// <summary>The largest part that is written out.</summary>
    public const int MostSize = 2000;

    // The compiler of expressions calls itself.
    private const int MostDepth = 250;

    // Of one part, and what is taken before it is begun.
    private const int MostStates = 2000, MostSteps = 200_000, StepsOfOne = 1000;
    private const int TextsOfTree = 12;

    // A table of all classes has an entry of four bytes for each.
    private const int EntriesOfStep = 2;

    private readonly Fuel _own = new(200_000, 1_500_000);
    private readonly Dictionary<string, Automaton> _texts = new(StringComparer.Ordinal);
    private readonly Dictionary<CharSet, Automaton> _sets = [];
    private readonly Dictionary<GbnfRule, Automaton?> _rules = [];
    private readonly Dictionary<CharSet, OneOf> _expressions = [];
    private long _stepsLeft = 1_000_000;

    /// <summary>Whether no more are made but of texts and sets.</summary>
    public bool IsSpent => _stepsLeft < StepsOfOne;

    /// <summary>The automaton of a part; null where it is followed otherwise.</summary>
    public Automaton? Of(GbnfItem item)
    {
        switch (item)
        {
            case GbnfText text:
                return Text(text.Text);
            case GbnfSet set:
                return Set(set.Set);
            case GbnfReference reference when item.Size <= MostSize && item.Depth <= MostDepth:
                if (!_rules.TryGetValue(reference.Rule, out Automaton? known))
                    _rules[reference.Rule] = known = Of(reference.Rule.Body!);
                return known;
        }

        if (item.Size > MostSize || item.Depth > MostDepth || IsSpent)
            return null;
        _stepsLeft -= StepsOfOne;
        var fuel = new Fuel(MostStates, Math.Min(MostSteps, _stepsLeft));
        long before = fuel.StepsLeft;
        try
        {
            Automaton automaton = ExpressionCompiler.Compile(Expression(item), anywhere: false, fuel);
            _stepsLeft -= Entries(automaton) / EntriesOfStep;
            return automaton;
        }
        catch (ConstraintTooLarge)
        {
            return null;
        }
        finally
        {
            _stepsLeft -= before - Math.Max(0, fuel.StepsLeft);
        }
    }

    /// <summary>Some texts.</summary>
    /// <exception cref="ConstraintTooLarge">There are too many.</exception>
    public Automaton Texts(IReadOnlyList<string> texts)
    {
        var automaton = Automaton.OfStrings(texts, _own);
        _own.Step(StepsOfOne + (Entries(automaton) / EntriesOfStep));
        return automaton;
    }

    /// <summary>The texts of an automaton but for the empty one.</summary>
    /// <exception cref="ConstraintTooLarge">There was too much before.</exception>
    public Automaton Some(Automaton automaton) => automaton.Accepts(0) ? automaton.Except(Text(""), _own) : automaton;

    private Automaton Text(string text)
    {
        if (!_texts.TryGetValue(text, out Automaton? automaton))
            _texts[text] = automaton = Texts([text]);
        return automaton;
    }

    private Automaton Set(CharSet set)
    {
        if (_sets.TryGetValue(set, out Automaton? automaton))
            return automaton;
        _own.Step(StepsOfOne);
        return _sets[set] = Automaton.Chars(set, _own);
    }

    private Expression Expression(GbnfItem item) => item switch
    {
        GbnfText text => new Sequence([.. text.Text.EnumerateRunes().Select(r => One(CharSet.Of(r.Value)))]),
        GbnfSet set => One(set.Set),
        GbnfSequence sequence => new Sequence([.. sequence.Parts.Select(Expression)]),
        GbnfChoice choice => Choice(choice),
        GbnfRepeat repeat => new Repetition(Expression(repeat.Inner), repeat.Least, repeat.Most == int.MaxValue ? null : repeat.Most),
        GbnfReference reference => Expression(reference.Rule.Body!),
        _ => throw new InvalidOperationException(),
    };

    // Many texts are made into a tree at once: as branches each would be looked at again and again.
    private Choice Choice(GbnfChoice choice)
    {
        List<Expression> branches = [];
        List<string> texts = [.. choice.Of.OfType<GbnfText>().Select(t => t.Text)];
        if (texts.Count > TextsOfTree)
            branches.Add(new Within(Texts(texts).Table));
        branches.AddRange(choice.Of.Where(o => texts.Count <= TextsOfTree || o is not GbnfText).Select(Expression));
        return new Choice(branches);
    }

    private OneOf One(CharSet set)
    {
        if (!_expressions.TryGetValue(set, out OneOf? one))
            _expressions[set] = one = new OneOf(set);
        return one;
    }

    private static int Entries(Automaton automaton) =>
        (int)Math.Min(1 << 16, (long)automaton.StateCount * automaton.Table.Alphabet.Count);
}
