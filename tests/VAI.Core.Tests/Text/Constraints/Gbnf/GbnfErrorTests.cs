namespace VAI.Core.Tests.Text.Constraints.Gbnf;

/// <summary>What cannot be held is an error that names the line.</summary>
public sealed class GbnfErrorTests
{
    [Theory]
    [InlineData("", 1, "no rule is named 'root'")]
    [InlineData("# nothing", 1, "no rule is named 'root'")]
    [InlineData("start ::= \"a\"\n", 2, "no rule is named 'root'")]
    [InlineData("root ::= \"a\"\n\nx ::= y\n", 3, "no rule is named 'y'")]
    [InlineData("root ::= \"a\"\nroot ::= \"b\"", 2, "defined in line 1 too")]
    [InlineData("root ::= \"a\"\n| \"b\"", 2, "a rule begins with its name, not with '|")]
    [InlineData("root ::= \"a\"\n  \"b\"", 2, "a rule begins with its name")]
    [InlineData("root = \"a\"", 1, "comes '::='")]
    [InlineData("root ::= \"a", 1, "a text is not closed")]
    [InlineData("root ::= (\n\"a\"", 1, "a '(' is not closed")]
    [InlineData("root ::= (\"a\" ] )", 1, "a '(' is not closed: '] )'")]
    [InlineData("root ::= \"a\" )", 1, "a ')' closes no group")]
    [InlineData("root ::= \"a\" ; \"b\"", 1, "';' is not expected here")]
    [InlineData("root ::= 'a'", 1, "is not expected here")]
    [InlineData("root ::= [a-z", 1, "a '[' is not closed")]
    [InlineData("root ::= []", 1, "an empty class")]
    [InlineData("root ::= [^]", 1, "an empty class")]
    [InlineData("root ::= [z-a]", 1, "a range from 'z' to 'a' is out of order")]
    [InlineData("root ::= [a--]", 1, "out of order")]
    [InlineData("root ::= \"\\q\"", 1, "'\\q' is no escape")]
    [InlineData("root ::= \"\\x4\"", 1, "come 2 hexadecimal digits")]
    [InlineData("root ::= \"\n\\u12G4\"", 2, "come 4 hexadecimal digits")]
    [InlineData("root ::= \"\\uD83D\\uDE00\"", 1, "D83D is the code of no character")]
    [InlineData("root ::= \"\\U00110000\"", 1, "110000 is the code of no character")]
    [InlineData("root ::= *", 1, "nothing that '*' could repeat")]
    [InlineData("root ::= \"a\" | ?", 1, "nothing that '?' could repeat")]
    [InlineData("root ::= (+)", 1, "nothing that '+' could repeat")]
    [InlineData("root ::= \"a\"{,3}", 1, "{0,m}")]
    [InlineData("root ::= \"a\"{x}", 1, "comes a number")]
    [InlineData("root ::= \"a\"{1;2}", 1, "a count ends with '}'")]
    [InlineData("root ::= \"a\"{3,2}", 1, "{3,2} are out of order")]
    [InlineData("root ::= \"a\"{0,99999999999}", 1, "larger than 2000000000")]
    [InlineData("root ::= <[1000]> \"a\"", 1, "'<[1000]> \"a\"' is a token")]
    [InlineData("root ::= x\nx ::= <think>", 2, "is a token")]
    [InlineData("root ::= !<think>", 1, "is a token")]
    [InlineData("root ::= root \"a\" | \"b\"", 1, "'root' begins with itself: left recursion")]
    [InlineData("root ::= \"x\" e\n\ne ::= \"a\"? t \"+\"\nt ::= (u | \"1\")\nu ::= \"\" e", 3, "'e' begins with itself by way of 't', 'u'")]
    [InlineData("root ::= \"a\"\nx ::= \"b\"* x", 2, "'x' begins with itself")]
    [InlineData("root ::= x x\nx ::= y\ny ::= x | \"a\"", 2, "'x' begins with itself by way of 'y'")]
    [InlineData("root ::= nil root \"a\"\nnil ::= other\nother ::= \"x\"{0,3}", 1, "'root' begins with itself")]
    public void An_error_names_the_line_and_says_what_is_wrong(string source, int line, string says)
    {
        VaiUsageException e = Assert.Throws<VaiUsageException>(() => Constraint.Gbnf(source));
        Assert.Equal(VaiError.InvalidConstraint, e.Code);
        Assert.StartsWith($"The grammar cannot be held, in line {line}: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_of_a_pair_is_no_character()
    {
        foreach (string source in (string[])["root ::= \"\ud83d\"", "root ::= [\ude00]", "root ::= \"\ude00\ud83d\""])
            Assert.Contains("half of a surrogate pair", Assert.Throws<VaiUsageException>(() => Constraint.Gbnf(source)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rules_without_an_end_satisfy_nobody()
    {
        VaiUsageException e = Assert.Throws<VaiUsageException>(() => Constraint.Gbnf("\nroot ::= \"a\" root | \"b\" x\nx ::= [c] root"));
        Assert.Contains("line 2: no text satisfies the rule 'root'", e.Message, StringComparison.Ordinal);
    }
}
