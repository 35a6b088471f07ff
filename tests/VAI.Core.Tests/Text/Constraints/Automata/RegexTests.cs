using System.Text.RegularExpressions;
using FsCheck.Xunit;
using VAI.Text.Constraints.Automata;

namespace VAI.Core.Tests.Text.Constraints.Automata;

/// <summary>What patterns match, which .NET is asked about too.</summary>
public sealed class RegexTests
{
    private static readonly string[] Short = [.. Texts.All("abc0.", 5)];

    [Property(MaxTest = 300)]
    public void A_pattern_matches_what_dotnet_says(int seed)
    {
        var random = new Random(seed);
        string pattern = RandomPatterns.Make(random, 4);
        Automaton found = RegexParser.Parse(pattern, search: true, new Fuel());
        Automaton whole = RegexParser.Parse(pattern, search: false, new Fuel());
        var search = new Regex(pattern.Replace("$", "\\z"), RegexOptions.CultureInvariant);
        var match = new Regex($"\\A(?:{pattern.Replace("$", "\\z")})\\z", RegexOptions.CultureInvariant);
        for (int i = 0; i < 150; i++)
        {
            string text = Short[random.Next(random.Next(2) == 0 ? 156 : Short.Length)];
            Assert.True(search.IsMatch(text) == found.Matches(text), $"'{pattern}' anywhere in '{text}'");
            Assert.True(match.IsMatch(text) == whole.Matches(text), $"'{pattern}' as all of '{text}'");
        }
    }

    [Property(MaxTest = 200)]
    public void What_is_followed_never_comes_to_a_dead_end(int seed)
    {
        Automaton automaton = RegexParser.Parse(RandomPatterns.Make(new Random(seed), 4), search: seed % 2 == 0, new Fuel());
        Shape.Check(automaton);
    }

    [Theory]
    [InlineData("^\\w+$", "aZ_0", "é|a-b|")]
    [InlineData("^\\s$", " |\t|\u00a0|\u2003|\ufeff|\u2028|\n", "a||\u200b|\u180e")]
    [InlineData("^.$", "a|😀|\u0085", "\n|\r|\u2028|\u2029|aa")]
    [InlineData("^[^a]$", "\n|😀", "a|bb")]
    [InlineData("^\\p{L}+$", "aéΩ漢𝒳", "1|a1|_")]
    [InlineData("^\\p{Lu}\\p{Ll}*$", "Aé|Ω", "a|AA")]
    [InlineData("^\\p{gc=Nd}\\P{N}$", "٣a", "ab|1२")]
    [InlineData("^[\\p{Sc}\\p{Dash_Punctuation}]+$", "€-|$", "+")]
    [InlineData("^\\u{1F600}\\ud83d\\ude00[\\u{1F600}-\\u{1F64F}]$", "😀😀😃", "😀😀")]
    [InlineData("^[\\ud83d\\ude00-\\ud83d\\ude4f😺]$", "😀|😺", "\\|a")]
    [InlineData("^\\cA\\0\\f\\n\\r\\t\\v\\x41$", "\u0001\0\f\n\r\t\vA", "A")]
    [InlineData("^\\^\\$\\\\\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\/\\-$", "^$\\.*+?()[]{}/-", "")]
    [InlineData("^[\\b\\-\\]^$.*]$", "\b|-|]|^|$|.|*", "\\")]
    [InlineData("^[\\w-.]$", "-|.|a|_", ",")]
    [InlineData("^[a-\\d]$", "a|-|5", "b")]
    [InlineData("^(?:[]|b)$", "b", "a|")]
    [InlineData("^[^]$", "a|\n|😀", "")]
    [InlineData("^{x}]$", "{x}]", "x")]
    [InlineData("a{2}", "aa|baab", "a|aba")]
    [InlineData("", "|a|\n", null)]
    [InlineData("a|^b|c$|^$", "xax|bx|xc|", "xbx|cx|x")]
    [InlineData("x*$^y*", "", "x|y|xy")]
    [InlineData("a^b", null, "ab|a\nb")]
    [InlineData("(a$|b)c", "bc", "ac|a")]
    [InlineData("(?:^a|b)*c$", "c|ac|xbc|abbc", "x")]
    [InlineData("^(\\d{4}-\\d{2}-\\d{2})?$", "2024-01-31|", "2024-1-31")]
    public void Patterns_mean_what_ecma_262_says(string pattern, string? matching, string? other)
    {
        Automaton automaton = RegexParser.Parse(pattern, search: true, new Fuel());
        foreach (string text in Parts(matching))
            Assert.True(automaton.Matches(text), $"'{pattern}' and '{text}'");
        foreach (string text in Parts(other).Where(text => !Parts(matching).Contains(text)))
            Assert.False(automaton.Matches(text), $"'{pattern}' and '{text}'");
    }

    [Fact]
    public void General_categories_are_the_runtimes()
    {
        Automaton lower = RegexParser.Parse("\\p{Lowercase_Letter}", search: false, new Fuel());
        Automaton mark = RegexParser.Parse("\\p{M}", search: false, new Fuel());
        for (int c = 0; c <= CharSet.LastCodePoint; c++)
        {
            if (c is >= 0xD800 and < 0xE000)
                continue;
            string category = System.Globalization.CharUnicodeInfo.GetUnicodeCategory(c).ToString();
            bool isAsSaid = lower.Accepts(lower.Step(0, c)) == (category == "LowercaseLetter")
                && mark.Accepts(mark.Step(0, c)) == category.EndsWith("Mark", StringComparison.Ordinal);
            if (!isAsSaid)
                Assert.Fail($"U+{c:X4} is {category}");
        }
    }

    private static string[] Parts(string? texts) => texts?.Split('|') ?? [];
}
