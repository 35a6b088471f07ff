using VAI.Text.Constraints;
using VAI.Text.Constraints.Gbnf;
using VAI.Text.Constraints.Grammars;
using VAI.Text.Constraints.Matching;

namespace VAI.Core.Tests.Text.Constraints.Gbnf;

/// <summary>Random grammars against a recogniser that tries everything: all short texts, and none else.</summary>
public sealed class GbnfPropertyTests
{
    private const int Longest = 5;

    private static readonly string[] Texts = [.. All("", Longest)];

    [Fact]
    public void All_short_texts_are_told_apart_as_by_trying_everything()
    {
        int seed = TestVariables.Seed();
        int draws = TestVariables.Draws(1_500);
        int followed = 0, some = 0;
        for (int i = 0; i < draws; i++)
        {
            var grammar = new RandomGbnf(new Random(seed + i));
            string where = $"seed {seed + i}:\n{grammar.Source}";
            if (grammar.IsLeftRecursive)
            {
                VaiUsageException e = Assert.Throws<VaiUsageException>(() => Constraint.Gbnf(grammar.Source));
                Assert.True(e.Message.Contains("begins with itself", StringComparison.Ordinal), $"{where}: {e.Message}");
                continue;
            }

            if (Make(grammar.Source) is not { } matcher)
            {
                Assert.All(Texts, text => Assert.False(grammar.Accepts(text), $"{where}: '{text}'"));
                continue;
            }

            followed++;
            some += Texts.Any(grammar.Accepts) ? 1 : 0;
            foreach (string text in Texts)
                Assert.True(matcher.Matches(text) == grammar.Accepts(text), $"{where}\n'{text}' is {(grammar.Accepts(text) ? "a" : "no")} text of it");

            // What may begin so comes to an end, some of which are short.
            foreach (string text in Texts.Where(grammar.Accepts))
                Assert.All(Enumerable.Range(0, text.Length), end => Assert.True(Follows(matcher, text[..end]), where));
        }

        Assert.True(followed > draws / 3 && some > draws / 4, $"seed {seed}: {followed} of {draws} were followed, {some} had short texts");
    }

    // Null where nothing satisfies it.
    private static Matcher? Make(string source)
    {
        var builder = new GrammarBuilder();
        Grammar grammar = builder.Build(CompiledConstraint.Typed(() => GbnfCompiler.Add(builder, source)));
        return grammar.IsPossible ? new Matcher(grammar) : null;
    }

    private static bool Follows(Matcher matcher, string text) => new ConstraintReader(matcher).Take(System.Text.Encoding.UTF8.GetBytes(text));

    private static IEnumerable<string> All(string text, int left) =>
        left == 0 ? [text] : [text, .. All(text + "a", left - 1), .. All(text + "b", left - 1)];
}
