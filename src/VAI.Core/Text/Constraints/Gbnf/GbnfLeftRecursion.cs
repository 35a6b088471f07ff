namespace VAI.Text.Constraints.Gbnf;

/// <summary>Looks for rules that begin with themselves, at once or by way of others: whoever follows them goes round without reading anything.</summary>
internal static class GbnfLeftRecursion
{
    // Of a longer way round only the begin is named.
    private const int MostNamed = 6;

    /// <exception cref="GbnfError">There is one.</exception>
    public static void Check(IReadOnlyList<GbnfRule> rules)
    {
        foreach (GbnfRule rule in rules)
        {
            if (rule.Visit == GbnfVisit.New)
                Follow(rule);
        }
    }

    private static void Follow(GbnfRule first)
    {
        var path = new Stack<(GbnfRule Rule, List<GbnfRule> Begins, int Next)>();
        path.Push(Open(first));
        while (path.TryPop(out (GbnfRule Rule, List<GbnfRule> Begins, int Next) at))
        {
            if (at.Next == at.Begins.Count)
            {
                at.Rule.Visit = GbnfVisit.Done;
                continue;
            }

            GbnfRule next = at.Begins[at.Next];
            path.Push(at with { Next = at.Next + 1 });
            if (next.Visit == GbnfVisit.Open)
                throw Found(next, path.Select(p => p.Rule));
            if (next.Visit == GbnfVisit.New)
                path.Push(Open(next));
        }
    }

    private static (GbnfRule Rule, List<GbnfRule> Begins, int Next) Open(GbnfRule rule)
    {
        rule.Visit = GbnfVisit.Open;
        var begins = new List<GbnfRule>();
        Add(rule.Body!, begins);
        return (rule, begins, 0);
    }

    private static GbnfError Found(GbnfRule rule, IEnumerable<GbnfRule> path)
    {
        string[] round = [.. path.TakeWhile(r => r != rule).Select(r => r.Name).Append(rule.Name).Reverse()];
        string by = round.Length == 1 ? "" : $" by way of {string.Join(", ", round.Skip(1).Take(MostNamed).Select(n => $"'{n}'"))}{(round.Length > MostNamed + 1 ? " and others" : "")}";
        return new GbnfError(rule.Line, $"the rule {rule} begins with itself{by}: left recursion cannot be followed. Write what comes again as ( ... )*, or let the rule end with itself");
    }

    private static void Add(GbnfItem item, List<GbnfRule> begins)
    {
        switch (item)
        {
            case GbnfReference reference:
                begins.Add(reference.Rule);
                break;
            case GbnfSequence sequence:
                foreach (GbnfItem part in sequence.Parts)
                {
                    Add(part, begins);
                    if (!part.IsNullable)
                        break;
                }

                break;
            case GbnfChoice choice:
                foreach (GbnfItem one in choice.Of)
                    Add(one, begins);
                break;
            case GbnfRepeat repeat:
                Add(repeat.Inner, begins);
                break;
        }
    }
}
