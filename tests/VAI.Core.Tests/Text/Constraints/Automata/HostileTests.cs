using FsCheck.Xunit;
using VAI.Text.Constraints.Automata;

namespace VAI.Core.Tests.Text.Constraints.Automata;

/// <summary>Whatever is asked, there is an automaton or an error of this room, and the fuel bounds what it took.</summary>
public sealed class HostileTests
{
    public static TheoryData<string> Large => new()
    {
        "a{1,100000}", "(a|aa){1,100000}", "(a*)*b", ".*a.{30}", "((a{1,1000}){1,1000}){1,1000}", "(){2147483647}", "((){1,99999}){1,99999}",
        "(a?){50000}", "((a*)*)*", "(a|b|ab)*c{0,3000}", "a{99999999999}", "(.*){1,300}x", "(x+x+)+y", "[^a]*[^b]*[^c]*[^d]*e{1,9}$",
        "(?:a{0,500}b{0,500}){500}", "(\\p{L}|\\p{N}\\p{P}){3000}", "($|a){10000}", "(^|a){10000}", "(a|b)*a(a|b){17}",
    };

    public static TheoryData<int, string> Long => new()
    {
        { 1 << 20, "a" }, { 1 << 19, "a|" }, { 1 << 18, "[a]?" }, { 1 << 18, "(a)*" }, { 1 << 18, "\\p{L}" }, { 1 << 19, "^$" }, { 1 << 18, ".*a" },
        { 30_000, "(" }, { 30_000, "(?:" }, { 30_000, "[" }, { 30_000, "^" }, { 3_000, "a{0,9}" }, { 1 << 20, "{" }, { 1 << 19, "\\u" }, { 200, "(a|" },
    };

    [Theory]
    [MemberData(nameof(Large))]
    public void Large_ones_end(string pattern)
    {
        Ends(pattern, search: true);
        Ends(pattern, search: false);
    }

    [Theory]
    [MemberData(nameof(Long))]
    public void Long_ones_end(int count, string part)
    {
        string repeated = string.Concat(Enumerable.Repeat(part, count));
        Ends(repeated, search: false);
        Ends($"[{repeated}]", search: true);
    }

    [Fact]
    public void Long_ones_of_many_characters_end()
    {
        string all = string.Concat(Enumerable.Range(0x4E00, 20_000).Select(c => (char)c));
        Ends(all, search: true);
        Ends($"[{all}]*", search: true);
        Ends(string.Concat(all.Select(c => $"[^{c}]")), search: true);
        Ends(string.Concat(all.Select(c => $"[{c}-\uFFFF]?")), search: false);
    }

    [Fact]
    public void Nested_groups_are_counted()
    {
        string deep = new('(', 30_000);
        Assert.Contains("200 groups", Assert.Throws<PatternError>(() => RegexParser.Parse(deep, true, new Fuel())).What);
        string most = new string('(', RegexParser.MostDepth) + "a" + string.Concat(Enumerable.Repeat(")*", RegexParser.MostDepth));
        Assert.True(RegexParser.Parse(most, search: false, new Fuel()).Matches("aaa"));
    }

    [Fact]
    public void What_is_only_long_is_made()
    {
        Automaton automaton = RegexParser.Parse("a{1,90000}", search: false, new Fuel());
        Assert.True(automaton.Matches(new string('a', 90_000)));
        Assert.False(automaton.Matches(new string('a', 90_001)));
        Assert.Equal(1, RegexParser.Parse("((a*)*)*", search: false, new Fuel()).StateCount);
        Assert.Equal(2, RegexParser.Parse("(a*)*b", search: false, new Fuel()).StateCount);
    }

    [Fact]
    public void What_blows_up_says_so()
    {
        foreach (string pattern in (string[])[".*a.{30}", "(a|aa){1,100000}", "((a{1,1000}){1,1000}){1,1000}"])
            Assert.Throws<ConstraintTooLarge>(() => RegexParser.Parse(pattern, search: false, new Fuel()));
    }

    [Property(MaxTest = 300)]
    public void Any_text_is_a_pattern_or_an_error(int seed)
    {
        var random = new Random(seed);
        const string Characters = "ab()[]{}^$|\\*+?.,-:=!<>0123456789pudwsPkbxc\ud83d\ude00";
        char[] pattern = new char[random.Next(40)];
        for (int i = 0; i < pattern.Length; i++)
            pattern[i] = Characters[random.Next(Characters.Length)];
        Ends(new string(pattern), search: random.Next(2) == 0);
    }

    private static void Ends(string pattern, bool search)
    {
        var fuel = new Fuel();
        try
        {
            Automaton automaton = RegexParser.Parse(pattern, search, fuel);
            Assert.InRange(automaton.StateCount, 1, (int)Fuel.DefaultStates);
            Assert.True(fuel.StepsLeft >= 0);
        }
        catch (PatternError)
        {
        }
        catch (ConstraintTooLarge)
        {
        }
    }
}
