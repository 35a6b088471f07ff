using FsCheck.Xunit;
using VAI.Text.Constraints.Automata;

namespace VAI.Core.Tests.Text.Constraints.Automata;

/// <summary>Texts that are written out.</summary>
public sealed class NamesTests
{
    [Property(MaxTest = 200)]
    public void A_name_is_found_by_its_first_index(int seed)
    {
        var random = new Random(seed);
        // Enough of them that their sorting is seen through, now and then.
        string[] names = [.. Enumerable.Range(0, random.Next(random.Next(2) == 0 ? 10 : 300)).Select(_ => Name(random))];
        Automaton automaton = Automaton.Names(names, new Fuel());
        Automaton unlabelled = Automaton.OfStrings(names, new Fuel());
        Shape.Check(automaton);
        foreach (string text in names.Concat(Enumerable.Range(0, 100).Select(_ => Name(random))))
        {
            int expected = IsText(text) ? Array.IndexOf(names, text) : -1;
            Assert.Equal(expected, automaton.Label(automaton.Run(0, text)));
            Assert.Equal(expected >= 0, automaton.Matches(text));
            Assert.Equal(expected >= 0, unlabelled.Matches(text));
        }
    }

    [Fact]
    public void A_hundred_thousand_are_linear_in_their_characters()
    {
        string[] names = [.. Enumerable.Range(0, 100_000).Select(i => $"item{i * 7919L % 1_000_003:D7}")];
        var fuel = new Fuel();
        Automaton automaton = Automaton.Names(names, fuel);
        Assert.InRange(Fuel.DefaultSteps - fuel.StepsLeft, 1, 3 * names.Sum(name => name.Length + 1));
        for (int i = 0; i < names.Length; i += 97)
            Assert.Equal(i, automaton.Label(automaton.Run(0, names[i])));
        Assert.False(automaton.Matches("item"));
        Assert.Equal(1_000_001, Automaton.Literal(new string('x', 1_000_000), new Fuel(steps: 3_100_000)).StateCount);
    }

    [Fact]
    public void The_same_long_name_many_times_is_one()
    {
        string name = new('x', 2_000);
        Automaton automaton = Automaton.Names([.. Enumerable.Repeat(name, 500), name + "\0", name + "\0\0"], new Fuel());
        Assert.Equal(2_003, automaton.StateCount);
        Assert.Equal(0, automaton.Label(automaton.Run(0, name)));
        Assert.Equal(501, automaton.Label(automaton.Run(0, name + "\0\0")));
    }

    [Fact]
    public void Too_many_characters_are_refused() =>
        Assert.Throws<ConstraintTooLarge>(() => Automaton.Literal(new string('x', 2_000_000), new Fuel()));

    private static bool IsText(string text)
    {
        try
        {
            new System.Text.UTF8Encoding(false, true).GetByteCount(text);
            return true;
        }
        catch (System.Text.EncoderFallbackException)
        {
            return false;
        }
    }

    private static string Name(Random random)
    {
        const string Units = "aaab\0é\uE000\uFFFD\ud83d\ud83d\ude00\ude00\ude01";
        char[] name = new char[random.Next(8)];
        for (int i = 0; i < name.Length; i++)
            name[i] = Units[random.Next(Units.Length)];
        return (random.Next(3) == 0 ? "prefix" : "") + new string(name);
    }
}
