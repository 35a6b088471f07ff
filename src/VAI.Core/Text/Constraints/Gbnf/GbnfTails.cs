namespace VAI.Text.Constraints.Gbnf;

/// <summary>
/// Rules that end with themselves, as grammars had to before there were counts (<c>ws ::= ([ \t\n] ws)?</c>): as repetitions, so that they are a part of
/// the automaton around them.
/// </summary>
internal static class GbnfTails
{
    private const int MostParts = 100;

    public static void Unroll(GbnfRule rule)
    {
        int parts = 0;
        if (!Refers(rule.Body!, rule, ref parts) || parts > MostParts)
            return;
        List<GbnfItem> loops = [], exits = [];
        if (!Split(rule.Body!, rule, [], loops, exits) || exits.Count == 0)
            return;
        rule.Body = new GbnfSequence([GbnfRepetition.Of(One(loops), 0, int.MaxValue), One(exits)]);
    }

    // What comes before it begins again, and what comes where it does not. False where it is elsewhere than at an end.
    private static bool Split(GbnfItem item, GbnfRule rule, List<GbnfItem> before, List<GbnfItem> loops, List<GbnfItem> exits)
    {
        int parts = 0;
        switch (item)
        {
            case GbnfReference reference when reference.Rule == rule:
                loops.Add(new GbnfSequence(before));
                return before.Count > 0;
            case var _ when !Refers(item, rule, ref parts):
                exits.Add(new GbnfSequence([.. before, item]));
                return true;
            case GbnfSequence sequence:
                parts = 0;
                foreach (GbnfItem part in sequence.Parts.SkipLast(1))
                {
                    if (Refers(part, rule, ref parts))
                        return false;
                }

                return Split(sequence.Parts[^1], rule, [.. before, .. sequence.Parts.SkipLast(1)], loops, exits);
            case GbnfChoice choice:
                return choice.Of.All(one => Split(one, rule, before, loops, exits));
            case GbnfRepeat { Least: 0, Most: 1 } optional:
                exits.Add(new GbnfSequence(before));
                return Split(optional.Inner, rule, before, loops, exits);
            default:
                return false;
        }
    }

    private static bool Refers(GbnfItem item, GbnfRule rule, ref int parts)
    {
        parts++;
        switch (item)
        {
            case GbnfReference reference:
                return reference.Rule == rule;
            case GbnfSequence sequence:
                return Any(sequence.Parts, rule, ref parts);
            case GbnfChoice choice:
                return Any(choice.Of, rule, ref parts);
            case GbnfRepeat repeat:
                return Refers(repeat.Inner, rule, ref parts);
            default:
                return false;
        }
    }

    private static bool Any(IReadOnlyList<GbnfItem> items, GbnfRule rule, ref int parts)
    {
        bool any = false;
        foreach (GbnfItem item in items)
            any |= Refers(item, rule, ref parts);
        return any;
    }

    private static GbnfItem One(List<GbnfItem> items) => items.Count == 1 ? items[0] : new GbnfChoice(items);
}
