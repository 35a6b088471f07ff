namespace VAI.Text.Constraints.Gbnf;

/// <summary>How large parts are with all rules in them written out: what is small becomes automata, and rules that contain themselves never do.</summary>
internal static class GbnfSizes
{
    /// <summary>More than is ever written out.</summary>
    public const int Endless = 1 << 20;

    public static void Measure(IReadOnlyList<GbnfRule> rules)
    {
        foreach (GbnfRule rule in rules)
            Collect(rule.Body!, rule);
        var ready = new Queue<GbnfRule>(rules.Where(r => r.Waits == 0));
        while (ready.TryDequeue(out GbnfRule? rule))
        {
            Measure(rule.Body!);
            foreach (GbnfRule other in rule.By ?? [])
            {
                if (--other.Waits == 0)
                    ready.Enqueue(other);
            }
        }

        foreach (GbnfRule rule in rules.Where(r => r.Waits > 0))
            Measure(rule.Body!);
    }

    private static void Collect(GbnfItem item, GbnfRule by)
    {
        switch (item)
        {
            case GbnfReference reference:
                by.Waits++;
                (reference.Rule.By ??= []).Add(by);
                break;
            case GbnfSequence sequence:
                foreach (GbnfItem part in sequence.Parts)
                    Collect(part, by);
                break;
            case GbnfChoice choice:
                foreach (GbnfItem one in choice.Of)
                    Collect(one, by);
                break;
            case GbnfRepeat repeat:
                Collect(repeat.Inner, by);
                break;
        }
    }

    private static void Measure(GbnfItem item)
    {
        long size = 1;
        int depth = 0;
        switch (item)
        {
            case GbnfText text:
                size = text.Text.Length;
                break;
            case GbnfReference reference:
                // A rule that contains itself is not measured when it is referred to, and stays endless.
                (size, depth) = (1L + reference.Rule.Body!.Size, reference.Rule.Body.Depth);
                break;
            case GbnfSequence sequence:
                Add(sequence.Parts, ref size, ref depth);
                break;
            case GbnfChoice choice:
                Add(choice.Of, ref size, ref depth);
                break;
            case GbnfRepeat repeat:
                Measure(repeat.Inner);
                (size, depth) = (1 + ((long)repeat.Inner.Size * (repeat.Most == int.MaxValue ? repeat.Least + 1L : repeat.Most)), repeat.Inner.Depth);
                break;
        }

        (item.Size, item.Depth) = ((int)Math.Min(size, Endless), depth + 1);
    }

    private static void Add(IReadOnlyList<GbnfItem> items, ref long size, ref int depth)
    {
        foreach (GbnfItem item in items)
        {
            Measure(item);
            size += item.Size;
            depth = Math.Max(depth, item.Depth);
        }
    }
}
