namespace VAI.Core.Tests.Text.Constraints.Gbnf;

/// <summary>What texts grammars in GBNF allow, feature by feature.</summary>
public sealed class GbnfTests
{
    // Texts are apart by ';'; '~' is the empty one.
    [Theory]
    [InlineData("root ::= \"a\"", "a", "~;b;aa;A")]
    [InlineData("root ::= \"\"", "~", "a")]
    [InlineData("root ::=", "~", "a")]
    [InlineData("root ::= | \"a\"", "~;a", "aa")]
    [InlineData("root ::= \"a\" \"b\" | \"c\"", "ab;c", "a;b;abc;ac")]
    [InlineData("root ::= \"a\" |\n  # more\n  \"b\" |\r\n\t\"c\"\n", "a;b;c", "ab;~")]
    [InlineData("root ::= (\n \"a\"\n\n | \"b\" # one\n \"c\"\n)\n", "a;bc", "b;c;abc")]
    [InlineData("root ::=\n  \"a\" x\nx ::=\n  \"b\"", "ab", "a;b")]
    [InlineData("# first\n\n root ::= x_1 Up-per\r\n  x_1::=\"1\"\rUp-per  ::=  \"2\"", "12", "1;2;21")]
    [InlineData("root ::= [a-c1_]", "a;c;1;_", "d;~;ab;-")]
    [InlineData("root ::= [^a-c\\n]", "d;-;é;😀", "a;\n;~")]
    [InlineData("root ::= [a-]+", "a;-;a--", "b;~")]
    [InlineData("root ::= [-a]+", "a;-", "b")]
    [InlineData("root ::= [\\]\\[\\\\\"\\-]+", "];[;\\;\";-;[]", "a")]
    [InlineData("root ::= [ぁ-ゟ]+ [😀-😂]?", "あい;ん😁", "ア;😁;😃")]
    [InlineData("root ::= \"\\x41\\u00e9\\U0001F600\\t\\r\\n\\\"\\\\\"", "Aé😀\t\r\n\"\\", "Aé😀")]
    [InlineData("root ::= . .", "ab;\n\n;😀é;\0a", "a;abc")]
    [InlineData("root ::= \"#\" # \"b\"", "#", "#b;b")]
    [InlineData("root ::= \"ab\"*", "~;ab;abab", "a;aba;b")]
    [InlineData("root ::= \"a\"+ \"b\"?", "a;aaab", "b;~;abb")]
    [InlineData("root ::= [ab]{2}", "ab;aa", "a;aba;~")]
    [InlineData("root ::= \"a\"{2,}", "aa;aaaaa", "a;~")]
    [InlineData("root ::= \"a\"{ 1 , 3 }", "a;aaa", "~;aaaa")]
    [InlineData("root ::= \"a\"{0}", "~", "a")]
    [InlineData("root ::= \"a\"{0,0} \"b\"", "b", "ab")]
    [InlineData("root ::= (\"a\" | \"b\" \"c\"){2} | \"d\"", "aa;abc;bcbc;d", "a;ad;bc")]
    [InlineData("root ::= \"a\"{2}{2}", "aaaa", "aa;aaa;aaaaa")]
    [InlineData("root ::= \"a\"?{3}", "~;a;aaa", "aaaa")]
    [InlineData("root ::= \"a\"+?", "~;a;aa", "b")]
    [InlineData("root ::= \"a\"{2,3}*", "~;aa;aaa;aaaaa", "a")]
    [InlineData("root ::= ((\"a\"*)*)*", "~;a;aaa", "b")]
    [InlineData("root ::= ()? \"a\" (())", "a", "~")]
    [InlineData("root ::= \"\"* \"a\"", "a", "~")]
    [InlineData("root ::= (\"a\"? \"b\"?){3}", "~;a;ab;ba;bab;ababab;bbb;aaa", "abababa;bbbb;c")]
    [InlineData("root ::= x{2,3}\nx ::= \"a\"? | \"(\" x \")\"", "~;a;aaa;()();(a)a(());(((a)))", "aaaa;(;(aa)")]
    [InlineData("root ::= \"a\" root \"b\" | \"\"", "~;ab;aaabbb", "a;aab;abb;ba")]
    [InlineData("root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"\"", "~;ab;ac;aabc;aacb;aaaabcbc", "abc;aab")]
    [InlineData("root ::= ws \"x\" ws\nws ::= ([ \\t\\n] ws)?", "x; x;x\n\t ; x ", "~; ;x x")]
    [InlineData("root ::= digits\ndigits ::= [0-9] digits | [0-9]", "1;123", "~;a;1a")]
    [InlineData("root ::= a\na ::= \"x\" b | \"y\"\nb ::= \"z\" a", "y;xzy;xzxzy", "x;xz;zy")]
    [InlineData("root ::= [\\u0020-\\U0010FFFF]{0,2} unused? \nunused ::= \"\\n\"\nother ::= \"b\"", "~;ab;a\n;\n", "abc")]
    [InlineData("root ::= \"a\" | \"a\" | [a] | \"ab\" | \"a\" \"b\"", "a;ab", "b;aab")]
    [InlineData("root ::= (\"a\" | \"aa\"){0,3} \"a\"", "a;aa;aaa;aaaaaaa", "~;aaaaaaaa")]
    [InlineData("root ::= \"a\" no | \"b\"\nno ::= \"c\" no", "b", "a;ac")]
    public void A_grammar_allows_its_texts_and_no_others(string source, string texts, string others)
    {
        var constraint = Constraint.Gbnf(source);
        Assert.Equal(ConstraintKind.Gbnf, constraint.Kind);
        Assert.All(Split(texts), text => Assert.True(constraint.Accepts(text), $"'{text}' is a text of it"));
        Assert.All(Split(others), text => Assert.False(constraint.Accepts(text), $"'{text}' is no text of it"));
    }

    [Fact]
    public void Ambiguous_rules_are_followed_at_once()
    {
        var nested = Constraint.Gbnf("root ::= sum\nsum ::= term \"+\" sum | term \"-\" sum | term\nterm ::= [0-9]+ | \"(\" sum \")\"");
        string deep = new string('(', 200) + "1+2-3" + new string(')', 200);
        Assert.True(nested.Accepts(deep));
        Assert.False(nested.Accepts(deep[1..]));

        // Each 'a' begins one, two or three.
        var catalan = Constraint.Gbnf("root ::= \"a\" root root | \"a\" | \"a\" root \"b\"");
        Assert.True(catalan.Accepts(new string('a', 61)));
        Assert.True(catalan.Accepts(new string('a', 61) + "bb"));
        Assert.False(catalan.Accepts(new string('a', 60) + "bb"));
        var palindrome = Constraint.Gbnf("root ::= \"a\" root \"a\" | \"b\" root \"b\" | [ab]?");
        Assert.True(palindrome.Accepts("abbabaababba"));
        Assert.False(palindrome.Accepts("abbabaababbb"));
    }

    [Fact]
    public void Equal_grammars_are_equal_constraints()
    {
        Assert.Equal(Constraint.Gbnf("root ::= \"a\""), Constraint.Gbnf("root ::= \"a\""));
        Assert.NotEqual(Constraint.Gbnf("root ::= \"a\""), Constraint.Gbnf("root ::= [a]"));
        Assert.Throws<ArgumentNullException>(() => Constraint.Gbnf(null!));
    }

    private static string[] Split(string texts) => [.. texts.Split(';').Select(t => t == "~" ? "" : t)];
}
