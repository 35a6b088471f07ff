namespace VAI.Core.Tests.Text.Constraints.Gbnf;

/// <summary>A random small grammar, which knows its texts by trying all that it can be.</summary>
internal sealed class RandomGbnf
{
    private readonly Part[] _rules;
    private readonly Dictionary<(Part Part, string Text, int At), HashSet<int>> _known = [];

    public RandomGbnf(Random random)
    {
        _rules = new Part[random.Next(1, 5)];
        for (int i = 0; i < _rules.Length; i++)
            _rules[i] = Make(random, 3);
    }

    private enum Kind
    {
        Text,
        Set,
        Sequence,
        Choice,
        Repeat,
        Rule,
    }

    public string Source => string.Join('\n', _rules.Select((r, i) => $"{Name(i)} ::= {Write(r)}"));

    /// <summary>Whether some rule begins with itself.</summary>
    public bool IsLeftRecursive
    {
        get
        {
            var begins = new HashSet<(int From, int To)>();
            for (int i = 0; i < _rules.Length; i++)
                Begins(_rules[i], to => begins.Add((i, to)));
            for (int middle = 0; middle < _rules.Length; middle++)
            {
                foreach ((int from, int to) in begins.ToArray())
                    begins.UnionWith(begins.Where(b => b.From == to).Select(b => (from, b.To)).ToArray());
            }

            return begins.Any(b => b.From == b.To);
        }
    }

    public bool Accepts(string text) => Ends(_rules[0], text, 0).Contains(text.Length);

    private static string Name(int rule) => rule == 0 ? "root" : $"r{rule}";

    private Part Make(Random random, int depth)
    {
        switch (depth == 0 ? random.Next(4) : random.Next(10))
        {
            case 0 or 1:
                return new Part(Kind.Text) { Text = new string[] { "a", "b", "ab", "", "ba" }[random.Next(5)] };
            case 2:
                return new Part(Kind.Set) { Text = new string[] { "[ab]", "[a]", "[^a]", "." }[random.Next(4)] };
            case 3:
                return new Part(Kind.Rule) { Least = random.Next(_rules.Length) };
            case 4 or 5 or 6:
                return new Part(Kind.Sequence) { Of = [.. Enumerable.Range(0, random.Next(2, 4)).Select(_ => Make(random, depth - 1))] };
            case 7 or 8:
                return new Part(Kind.Choice) { Of = [.. Enumerable.Range(0, random.Next(2, 4)).Select(_ => Make(random, depth - 1))] };
            default:
                int least = random.Next(3);
                return new Part(Kind.Repeat) { Of = [Make(random, depth - 1)], Least = least, Most = random.Next(2) == 0 ? int.MaxValue : least + random.Next(3) };
        }
    }

    private static string Write(Part part) => part.Kind switch
    {
        Kind.Text => $"\"{part.Text}\"",
        Kind.Set => part.Text,
        Kind.Rule => Name(part.Least),
        Kind.Sequence => $"({string.Join(' ', part.Of.Select(Write))})",
        Kind.Choice => $"({string.Join(" | ", part.Of.Select(Write))})",
        _ => Write(part.Of[0]) + (part.Least, part.Most) switch
        {
            (0, int.MaxValue) => "*",
            (1, int.MaxValue) => "+",
            (0, 1) => "?",
            (_, int.MaxValue) => $"{{{part.Least},}}",
            _ when part.Least == part.Most => $"{{{part.Least}}}",
            _ => $"{{{part.Least},{part.Most}}}",
        },
    };

    private HashSet<int> Ends(Part part, string text, int at)
    {
        if (_known.TryGetValue((part, text, at), out HashSet<int>? known))
            return known;
        HashSet<int> ends = part.Kind switch
        {
            Kind.Text => text.AsSpan(at).StartsWith(part.Text, StringComparison.Ordinal) ? [at + part.Text.Length] : [],
            Kind.Set => at < text.Length && (part.Text is "." || (part.Text == "[^a]" ? text[at] != 'a' : part.Text.Contains(text[at]))) ? [at + 1] : [],
            Kind.Rule => Ends(_rules[part.Least], text, at),
            Kind.Choice => [.. part.Of.SelectMany(o => Ends(o, text, at))],
            Kind.Sequence => part.Of.Aggregate(new HashSet<int> { at }, (from, next) => [.. from.SelectMany(f => Ends(next, text, f))]),
            _ => Repeated(part, text, at),
        };
        return _known[(part, text, at)] = ends;
    }

    private HashSet<int> Repeated(Part part, string text, int at)
    {
        HashSet<int> ends = [], from = [at];

        // Beyond so many nothing but empty ones come.
        int most = Math.Min(part.Most, part.Least + text.Length + 1);
        for (int times = 0; times <= most; times++)
        {
            if (times >= part.Least)
                ends.UnionWith(from);
            from = times == most ? [] : [.. from.SelectMany(f => Ends(part.Of[0], text, f))];
        }

        return ends;
    }

    private bool IsNullable(Part part, HashSet<int> open) => part.Kind switch
    {
        Kind.Text => part.Text.Length == 0,
        Kind.Set => false,
        Kind.Rule => open.Add(part.Least) && IsNullable(_rules[part.Least], [.. open]),
        Kind.Sequence => part.Of.All(o => IsNullable(o, [.. open])),
        Kind.Choice => part.Of.Any(o => IsNullable(o, [.. open])),
        _ => part.Least == 0 || IsNullable(part.Of[0], [.. open]),
    };

    private void Begins(Part part, Action<int> add)
    {
        switch (part.Kind)
        {
            case Kind.Rule:
                add(part.Least);
                break;
            case Kind.Sequence:
                foreach (Part next in part.Of)
                {
                    Begins(next, add);
                    if (!IsNullable(next, []))
                        break;
                }

                break;
            case Kind.Choice:
                foreach (Part one in part.Of)
                    Begins(one, add);
                break;
            case Kind.Repeat when part.Most > 0:
                Begins(part.Of[0], add);
                break;
        }
    }

    // Least is the number of a rule that is referred to.
    private sealed record Part(Kind Kind)
    {
        public string Text { get; init; } = "";

        public Part[] Of { get; init; } = [];

        public int Least { get; init; }

        public int Most { get; init; }

        public bool Equals(Part? other) => ReferenceEquals(this, other);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
    }
}
