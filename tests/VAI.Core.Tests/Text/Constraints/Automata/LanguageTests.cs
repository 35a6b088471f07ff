using FsCheck.Xunit;
using VAI.Text.Constraints.Automata;

namespace VAI.Core.Tests.Text.Constraints.Automata;

/// <summary>What is made of languages is what the same is of sets of texts.</summary>
public sealed class LanguageTests
{
    private static readonly string[] Short = [.. Texts.All("ab0é", 4)];

    [Property(MaxTest = 150)]
    public void Languages_obey_the_laws_of_sets(int seed)
    {
        var random = new Random(seed);
        (Automaton a, Automaton b) = (Make(random), Make(random));
        Automaton[] made =
            [a.Union(b, new Fuel()), a.Intersect(b, new Fuel()), a.Except(b, new Fuel()), a.Complement(new Fuel()), a.Minimize(new Fuel())];
        bool isSubset = true;
        bool isIntersecting = false;
        foreach (string text in Short.Concat(Enumerable.Range(0, 50).Select(_ => Texts.Random(random, 6))))
        {
            (bool inA, bool inB) = (a.Matches(text), b.Matches(text));
            bool[] expected = [inA || inB, inA && inB, inA && !inB, !inA, inA];
            Assert.Equal(expected, made.Select(automaton => automaton.Matches(text)));
            isSubset &= !inA || inB;
            isIntersecting |= inA && inB;
        }

        foreach (Automaton automaton in made)
            Shape.Check(automaton);
        Assert.Equal(made[2].IsEmpty, a.IsSubsetOf(b, new Fuel()));
        Assert.Equal(!made[1].IsEmpty, a.Intersects(b, new Fuel()));
        Assert.True(isSubset || !a.IsSubsetOf(b, new Fuel()));
        Assert.True(!isIntersecting || a.Intersects(b, new Fuel()));
        Assert.True(Same(a, made[3].Complement(new Fuel())));
        Assert.Equal(made[4].StateCount, made[3].Complement(new Fuel()).StateCount);
    }

    [Property(MaxTest = 150)]
    public void What_follows_and_what_is_repeated(int seed)
    {
        var random = new Random(seed);
        (string a, string b) = (RandomPatterns.MakeFree(random, 2), RandomPatterns.MakeFree(random, 2));
        int min = random.Next(3);
        int? max = random.Next(3) == 0 ? null : min + random.Next(3);
        Assert.True(Same(Parse($"(?:{a})(?:{b})"), Parse(a).Concat(Parse(b), new Fuel())), $"'{a}' and '{b}'");
        Automaton repeated = Parse(a).Repeat(min, max, new Fuel());
        Assert.True(Same(Parse($"(?:{a}){{{min},{max}}}"), repeated), $"'{a}' from {min} to {max}");
        Shape.Check(repeated);
    }

    [Theory]
    [InlineData(0, null, 1)]
    [InlineData(0, 0, 1)]
    [InlineData(2, 5, 6)]
    [InlineData(3, null, 4)]
    [InlineData(0, 100_000, 100_001)]
    [InlineData(100_000, 100_000, 100_001)]
    public void Lengths_are_of_code_points(int min, int? max, int states)
    {
        Automaton automaton = Automaton.AnyText(min, max, new Fuel());
        Assert.Equal(states, automaton.StateCount);
        foreach (int length in (int[])[0, 1, 2, 3, 5, 6, 99_999, 100_000, 100_001])
        {
            bool expected = length >= min && length <= (max ?? int.MaxValue);
            Assert.Equal(expected, automaton.Matches(string.Concat(Enumerable.Repeat("😀", length))));
        }

        Assert.True(automaton.TryShortest(out string shortest));
        Assert.Equal(min, shortest.Length);
    }

    [Fact]
    public void Simple_ones()
    {
        Assert.True(Automaton.Nothing.IsEmpty);
        Shape.Check(Automaton.Nothing);
        Shape.Check(Automaton.AnyText());
        Assert.True(Automaton.AnyText(2, 1, new Fuel()).IsEmpty);
        Assert.True(Automaton.AnyText().Complement(new Fuel()).IsEmpty);
        Assert.True(Automaton.Literal("\ud800", new Fuel()).IsEmpty);
        Assert.False(Automaton.AnyText().Matches("a\ud800"));
        Assert.True(Automaton.Chars(CharSet.None, new Fuel()).IsEmpty);
        Assert.True(Automaton.Nothing.Repeat(0, null, new Fuel()).Matches(""));
        Assert.True(Automaton.Nothing.Concat(Automaton.AnyText(), new Fuel()).IsEmpty);
        Assert.True(Automaton.Literal("", new Fuel()).Matches(""));
        Assert.False(Automaton.Literal("", new Fuel()).CanGoOn(0));
        Assert.Equal(1, Automaton.Nothing.Complement(new Fuel()).StateCount);
        Automaton chars = Automaton.Chars(CharSet.Of('x', 0x1F600), new Fuel());
        Assert.Equal(["x", "😀"], ((string[])["x", "y", "😀", "xx", "\ud83d", ""]).Where(text => chars.Matches(text)));
        Assert.True(chars.TryShortest(out string shortest));
        Assert.Equal("x", shortest);
        Assert.Equal(2, Automaton.Literal("ab", new Fuel()).Run(0, "ab"));
    }

    [Fact]
    public void Fuel_bounds_states_and_steps()
    {
        Assert.Throws<ConstraintTooLarge>(() => Automaton.AnyText(0, 100, new Fuel(states: 100)));
        Assert.Throws<ConstraintTooLarge>(() => Automaton.OfStrings(["abc"], new Fuel(steps: 5)));
        Automaton lengths = Automaton.AnyText(0, 1_000, new Fuel());
        Assert.Throws<ConstraintTooLarge>(() => lengths.Repeat(0, 1_000, new Fuel()));
        Assert.Throws<ConstraintTooLarge>(() => lengths.Concat(lengths, new Fuel(steps: 1_000)));
        Assert.Throws<ConstraintTooLarge>(() => Parse("a*b").Intersect(lengths, new Fuel(states: 500)));
    }

    private static Automaton Parse(string pattern) => RegexParser.Parse(pattern, search: false, new Fuel());

    private static bool Same(Automaton a, Automaton b) => a.IsSubsetOf(b, new Fuel()) && b.IsSubsetOf(a, new Fuel());

    private static Automaton Make(Random random) => random.Next(5) switch
    {
        0 => Automaton.OfStrings([.. Enumerable.Range(0, random.Next(1, 30)).Select(_ => Short[random.Next(Short.Length)])], new Fuel()),
        1 => Automaton.AnyText(random.Next(3), random.Next(2) == 0 ? null : random.Next(5), new Fuel()),
        _ => RegexParser.Parse(RandomPatterns.Make(random, 3), search: random.Next(2) == 0, new Fuel()),
    };
}
