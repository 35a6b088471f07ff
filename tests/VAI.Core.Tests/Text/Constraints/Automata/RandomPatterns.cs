namespace VAI.Core.Tests.Text.Constraints.Automata;

/// <summary>Patterns that mean the same here and to .NET, over texts without line ends behind which '$' would match.</summary>
internal static class RandomPatterns
{
    private static readonly string[] Atoms =
        ["a", "b", "c", "ab", "[ab]", "[^a]", "[a-c]", "[^b-c]", "[a-]", "[\\]b]", "\\x61", "\\u0062", "\\-", "\\.", "[\\d_]", "\\d", "[0-9]", "."];

    public static string Make(Random random, int depth)
    {
        switch (depth == 0 ? random.Next(2) : random.Next(9))
        {
            case 0 or 1:
                return Atoms[random.Next(Atoms.Length)];
            case 2 or 3:
                return Make(random, depth - 1) + Make(random, depth - 1);
            case 4:
                return $"({Make(random, depth - 1)}|{Make(random, depth - 1)})";
            case 5:
                return $"(?:{Make(random, depth - 1)}|)";
            case 6:
                string[] counts = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,}", "{0,2}", "{1,3}?", "{0}"];
                return $"({Make(random, depth - 1)}){counts[random.Next(counts.Length)]}";
            case 7:
                return $"(?<n{random.Next(1_000_000)}>{Make(random, depth - 1)})";
            default:
                string[] anchored = ["^{0}", "{0}$", "(^{0}|{0})", "({0}|{0}$)", "(?:^|a){0}", "{0}(?:$|b)"];
                return anchored[random.Next(anchored.Length)].Replace("{0}", Make(random, depth - 1));
        }
    }

    /// <summary>One without anchors.</summary>
    public static string MakeFree(Random random, int depth)
    {
        while (true)
        {
            string pattern = Make(random, depth);
            if (!pattern.Contains('$') && !pattern.Replace("[^", "").Contains('^'))
                return pattern;
        }
    }
}
