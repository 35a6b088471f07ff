namespace VAI.Text.Constraints.Gbnf;

/// <summary>Looks for rules that begin with themselves, at once or by way of others: whoever follows them goes round without reading anything.</summary>
internal static class GbnfLeftRecursion
{
    // Of a longer way round only the begin is named.
    private const int MostNamed = 6;

    private enum Visit
    {
        New,
        Open,
        Done,
    }

    /// <exception cref="GbnfError">There is one.</exception>
    public static void Check(IReadOnlyList<GbnfRule> rules)
    {
        var visits = new Dictionary<GbnfRule, Visit>();
        foreach (GbnfRule rule in rules)
        {
            if (visits.GetValueOrDefault(rule) == Visit.New)
                Follow(rule, visits);
        }
    }

    private static void Follow(GbnfRule first, Dictionary<GbnfRule, Visit> visits)
    {
        var path = new Stack<(GbnfRule Rule, IEnumerator<GbnfRule> Left)>();
        path.Push((first, Begins(first)));
        visits[first] = Visit.Open;
        while (path.TryPeek(out (GbnfRule Rule, IEnumerator<GbnfRule> Left) at))
        {
            if (!at.Left.MoveNext())
            {
                visits[at.Rule] = Visit.Done;
                path.Pop();
                continue;
            }

            GbnfRule next = at.Left.Current;
            switch (visits.GetValueOrDefault(next))
            {
                case Visit.New:
                    visits[next] = Visit.Open;
                    path.Push((next, Begins(next)));
                    break;
                case Visit.Open:
                    throw Found(next, path.Select(p => p.Rule));
            }
        }
    }

    private static GbnfError Found(GbnfRule rule, IEnumerable<GbnfRule> path)
    {
        string[] round = [.. path.TakeWhile(r => r != rule).Select(r => r.Name).Append(rule.Name).Reverse()];
        string by = round.Length == 1 ? "" : $" by way of {string.Join(", ", round.Skip(1).Take(MostNamed).Select(n => $"'{n}'"))}{(round.Length > MostNamed + 1 ? " and others" : "")}";
        return new GbnfError(rule.Line, $"the rule {rule} begins with itself{by}: left recursion cannot be followed. Write what comes again as ( ... )*, or let the rule end with itself");
    }

    private static IEnumerator<GbnfRule> Begins(GbnfRule rule)
    {
        var begins = new List<GbnfRule>();
        Add(rule.Body!, begins);
        return begins.GetEnumerator();
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
