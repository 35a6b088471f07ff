namespace VAI.Text.Constraints.Gbnf;

/// <summary>Which rules and parts have the empty text among theirs: each is found once, whatever order the rules are in.</summary>
internal static class GbnfNullability
{
    public static void Find(IReadOnlyList<GbnfRule> rules)
    {
        foreach (GbnfRule rule in rules)
            Link(rule.Body!, rule);
        var found = new Queue<GbnfRule>();
        foreach (GbnfRule rule in rules.Where(r => r.Body!.IsNullable))
        {
            rule.IsNullable = true;
            found.Enqueue(rule);
        }

        while (found.TryDequeue(out GbnfRule? rule))
        {
            foreach (GbnfReference reference in rule.References)
            {
                if (Spread(reference) is not { IsNullable: false } other)
                    continue;
                other.IsNullable = true;
                found.Enqueue(other);
            }
        }
    }

    // Of itself each part knows already what does not depend on rules.
    private static void Link(GbnfItem item, object parent)
    {
        item.Parent = parent;
        switch (item)
        {
            case GbnfReference reference:
                reference.Rule.References.Add(reference);
                break;
            case GbnfSequence sequence:
                sequence.Pending = sequence.Parts.Count(p => !p.IsNullable);
                foreach (GbnfItem part in sequence.Parts)
                    Link(part, sequence);
                break;
            case GbnfChoice choice:
                foreach (GbnfItem one in choice.Of)
                    Link(one, choice);
                break;
            case GbnfRepeat repeat:
                Link(repeat.Inner, repeat);
                break;
        }
    }

    // The rule that it makes nullable; null for none.
    private static GbnfRule? Spread(GbnfItem item)
    {
        while (true)
        {
            item.IsNullable = true;
            switch (item.Parent)
            {
                case GbnfRule rule:
                    return rule;
                case GbnfSequence sequence when --sequence.Pending > 0:
                    return null;
                case GbnfItem { IsNullable: false } parent:
                    item = parent;
                    break;
                default:
                    return null;
            }
        }
    }
}
