using FsCheck.Xunit;
using VAI.Text.Constraints.Automata;

namespace VAI.Core.Tests.Text.Constraints.Automata;

/// <summary>Reading a text once says what reading it by each automaton says.</summary>
public sealed class KeyClassifierTests
{
    private static readonly string[] Short = [.. Texts.All("ab0", 4)];

    [Property(MaxTest = 100)]
    public void A_key_is_what_each_says_of_it(int seed)
    {
        var random = new Random(seed);
        string[] names = [.. Enumerable.Range(0, random.Next(20)).Select(_ => Short[random.Next(Short.Length)])];
        Automaton[] patterns = [.. Enumerable.Range(0, random.Next(5)).Select(_ => Pattern(random))];
        Automaton? within = random.Next(3) == 0 ? Pattern(random) : null;
        var classifier = KeyClassifier.Build(names, patterns, within, new Fuel());
        var labelled = Labelled.Classify(patterns, within, new Fuel());
        Shape.Check(classifier.Automaton);
        foreach (string text in Short.Concat(Enumerable.Range(0, 40).Select(_ => Texts.Random(random, 6))))
        {
            bool isAsked = within is null || within.Matches(text);
            int state = classifier.Automaton.Run(0, text);
            Assert.Equal(isAsked, classifier.Automaton.Accepts(state));
            Assert.Equal(isAsked, labelled.Automaton.Matches(text));
            if (!isAsked)
                continue;
            int[] expected = [.. Enumerable.Range(0, patterns.Length).Where(i => patterns[i].Matches(text))];
            Assert.Equal(Array.IndexOf(names, text), classifier.Key(state).Name);
            Assert.Equal(expected, classifier.Key(state).Patterns);
            Assert.Equal(expected, labelled.At(labelled.Automaton.Run(0, text)));
        }

        Assert.Equal(labelled.Labels.Count, labelled.Labels.Select(label => string.Join(',', label)).Distinct().Count());
    }

    [Fact]
    public void Thousands_of_names_and_twenty_patterns_are_within_the_usual_fuel()
    {
        string[] names = [.. Enumerable.Range(0, 3_000).Select(i => $"property{i}_{i * 31 % 977:x}")];
        Automaton[] patterns =
            [.. Enumerable.Range(0, 20).Select(i => RegexParser.Parse($"^{(char)('a' + i)}[a-z]+_[0-9]{{1,{i + 1}}}$", search: true, new Fuel()))];
        var fuel = new Fuel();
        var classifier = KeyClassifier.Build(names, patterns, null, fuel);
        Assert.InRange(fuel.StepsLeft, Fuel.DefaultSteps / 2, Fuel.DefaultSteps);
        for (int i = 0; i < names.Length; i += 11)
            Assert.Equal(i, classifier.Key(classifier.Automaton.Run(0, names[i])).Name);
        KeyKind other = classifier.Key(classifier.Automaton.Run(0, "cat_12"));
        Assert.Equal(-1, other.Name);
        Assert.Equal([2], other.Patterns);
    }

    [Fact]
    public void Names_over_a_large_alphabet_are_within_the_usual_fuel()
    {
        var random = new Random(1);
        string[] names = [.. Enumerable.Range(0, 2_000).Select(_ => string.Concat(Enumerable.Range(0, 4).Select(_ => (char)random.Next(0x4E00, 0x5600))))];
        Automaton[] patterns =
            [RegexParser.Parse("^\\p{L}+$", search: true, new Fuel()), RegexParser.Parse("^[\\u4e00-\\u52ff]", search: true, new Fuel())];
        var classifier = KeyClassifier.Build(names, patterns, null, new Fuel());
        for (int i = 0; i < names.Length; i += 11)
        {
            KeyKind kind = classifier.Key(classifier.Automaton.Run(0, names[i]));
            Assert.Equal(Array.IndexOf(names, names[i]), kind.Name);
            Assert.Equal(names[i][0] <= 0x52FF ? [0, 1] : [0], kind.Patterns);
        }
    }

    [Fact]
    public void Nothing_within_is_nothing() =>
        Assert.True(KeyClassifier.Build(["a"], [Automaton.AnyText()], Automaton.Nothing, new Fuel()).Automaton.IsEmpty);

    private static Automaton Pattern(Random random) => RegexParser.Parse(RandomPatterns.Make(random, 3), search: true, new Fuel());
}
