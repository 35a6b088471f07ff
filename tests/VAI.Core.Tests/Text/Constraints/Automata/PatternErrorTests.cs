using VAI.Text.Constraints.Automata;

namespace VAI.Core.Tests.Text.Constraints.Automata;

/// <summary>What a pattern may not have is named, with its place.</summary>
public sealed class PatternErrorTests
{
    [Theory]
    [InlineData("a(?=b)", 1, "lookahead")]
    [InlineData("(?!b)", 0, "lookahead")]
    [InlineData("ab(?<=b)", 2, "lookbehind")]
    [InlineData("(?<!b)", 0, "lookbehind")]
    [InlineData("(a)\\1", 3, "backreferences (\\1)")]
    [InlineData("(?<n>a)\\k<n>", 7, "backreferences (\\k)")]
    [InlineData("a\\b", 1, "word boundaries (\\b)")]
    [InlineData("\\B", 0, "word boundaries (\\B)")]
    [InlineData("\\p{Script=Greek}", 0, "scripts")]
    [InlineData("\\p{Alphabetic}", 0, "'Alphabetic' is no general category")]
    [InlineData("\\pL", 0, "in braces")]
    [InlineData("(a", 0, "not closed")]
    [InlineData("a)", 1, "closes no group")]
    [InlineData("x[a", 1, "not closed")]
    [InlineData("[b-a]", 1, "'b-a' is out of order")]
    [InlineData("a{3,2}", 1, "'{3,2}' are out of order")]
    [InlineData("a{,2}", 1, "{0,n}")]
    [InlineData("*a", 0, "nothing that '*'")]
    [InlineData("a**", 2, "nothing that '*'")]
    [InlineData("a++", 2, "nothing that '+'")]
    [InlineData("(|{2})", 2, "nothing that '{2}'")]
    [InlineData("^*", 1, "anchor cannot be repeated")]
    [InlineData("a\\", 1, "a backslash ends")]
    [InlineData("\\q", 0, "'\\q' is no escape")]
    [InlineData("\\xg1", 0, "\\x needs 2")]
    [InlineData("\\u12", 0, "\\u needs 4")]
    [InlineData("\\u{110000}", 0, "\\u{...}")]
    [InlineData("\\u{}", 0, "\\u{...}")]
    [InlineData("[\\1]", 1, "no meaning in brackets")]
    [InlineData("\\01", 0, "'\\0' is no escape")]
    [InlineData("(?i:a)", 0, "'(?i'")]
    [InlineData("(?P<n>a)", 0, "'(?P'")]
    [InlineData("(?", 0, "'(?'")]
    [InlineData("(?<1>a)", 0, "no proper name")]
    [InlineData("(?<n", 0, "no proper name")]
    public void What_is_wrong_is_named_with_its_place(string pattern, int position, string what)
    {
        PatternError error = Assert.Throws<PatternError>(() => RegexParser.Parse(pattern, search: true, new Fuel()));
        Assert.Contains(what, error.What, StringComparison.Ordinal);
        Assert.Equal(position, error.Position);
    }
}
