using System.Text;

namespace VAI.Core.Tests.Text.Constraints.Gbnf;

/// <summary>Whatever grammar is sent is held or refused: nothing ends the process, and nothing takes more than it may.</summary>
public sealed class GbnfHostileTests
{
    private const long MostAllocated = 76 << 20;

    // Null: it is refused. Else a text of it.
    internal static Dictionary<string, (string Source, string? Text)> Grammars { get; } = new()
    {
        ["parentheses"] = ("root ::= " + new string('(', 30_000) + new string(')', 30_000), null),
        ["200 parentheses"] = ("root ::= " + new string('(', 200) + "\"a\"" + string.Concat(Enumerable.Repeat(")*", 200)), "aaa"),
        ["open parentheses"] = ("root ::= " + new string('(', 1 << 20), null),
        ["quantifiers"] = ("root ::= \"a\"" + new string('*', 90_000), "aaa"),
        ["counts"] = ("root ::= \"a\"" + string.Concat(Enumerable.Repeat("{2,3}", 5_000)), null),
        ["a billion"] = ("root ::= \"x\"{0,1000000000}", "xxx"),
        ["a billion at least"] = ("root ::= \"x\"? | \"y\"{1000000000}", "x"),
        ["billions of billions"] = ("root ::= ((\"x\"{0,1000000000}){0,1000000000}){0,1000000000}", "xxx"),
        ["nullable counts"] = ("root ::= ((\"x\"? \"y\"?){0,1000000000} (\"(\" root \")\")?){1000000000}", "xyx"),
        ["nested stars"] = ("root ::= ((x*)*)*\nx ::= (\"a\"* | y)*\ny ::= (\"(\" x \")\")*", "a(aa)"),
        ["alternates"] = ("root ::= " + string.Join(" | ", Enumerable.Range(0, 99_000).Select(i => $"\"{i}\"")), "98999"),
        ["sets"] = ("root ::= " + string.Join(" | ", Enumerable.Range(0, 99_000).Select(i => $"[{(char)(0x4E00 + (i % 20_000))}-\uFFFF]")), "\u9000"),
        ["alternates of two"] = ("root ::= " + string.Join(" | ", Enumerable.Range(0, 60_000).Select(i => $"\"a\" [{i % 10}]")), ""),
        ["cycle"] = (string.Join('\n', Enumerable.Range(0, 40_000).Select(i => $"{(i == 0 ? "root" : $"r{i}")} ::= {(i == 39_999 ? "root" : $"r{i + 1}")}")), null),
        ["chain"] = (string.Join('\n', Enumerable.Range(0, 40_000).Select(i => $"{(i == 0 ? "root" : $"r{i}")} ::= \"a\" {(i == 39_999 ? "\"b\"" : $"r{i + 1}")}")), ""),
        ["aliases"] = (string.Join('\n', Enumerable.Range(0, 40_000).Select(i => $"{(i == 0 ? "root" : $"r{i}")} ::= {(i == 39_999 ? "\"b\"" : $"r{i + 1}")}")), ""),
        ["aliases upwards"] = (string.Join('\n', Enumerable.Range(0, 40_000).Select(i => $"r{i} ::= {(i == 0 ? "\"b\" root?" : $"r{i - 1}")}")) + "\nroot ::= \"a\"? r39999?", ""),
        ["laughs"] = ("root ::= r0\n" + string.Join('\n', Enumerable.Range(0, 60).Select(i => $"r{i} ::= {(i == 59 ? "\"a\"?" : $"r{i + 1} r{i + 1}")}")), ""),
        ["optional ones"] = ("root ::= " + string.Concat(Enumerable.Repeat("\"x\"? ", 50_000)), ""),
        ["nothing optional"] = ("root ::= r*\nr ::= " + string.Concat(Enumerable.Repeat("\"x\"? root? ", 2_000)), null),
        ["blow up"] = ("root ::= [ab]* \"a\" [ab]{60} root?", "a" + new string('b', 60)),
        ["blow ups"] = ("root ::= " + string.Join(" | ", Enumerable.Range(1, 5_000).Select(i => $"[ab]* \"a\" [ab]{{{i % 40 + 20}}}")), ""),
        ["comment"] = ("root ::= \"a\" #" + new string('x', (1 << 20) - 20), "a"),
        ["too long"] = ("root ::= \"a\" #" + new string('x', 1 << 20), null),
        ["one text"] = ("root ::= \"" + new string('x', (1 << 20) - 20) + "\"", ""),
        ["one class"] = ("root ::= [" + string.Concat(Enumerable.Range(0, 500_000).Select(i => (char)(0x100 + (2 * i % 50_000)))) + "]", "\u0100"),
        ["dots"] = ("root ::= " + new string('.', 1 << 19), null),
        ["rules"] = ("root ::= \"a\"\n" + string.Join('\n', Enumerable.Range(0, 9_999).Select(i => $"r{i}::=\"{i}\"")), "a"),
        ["too many rules"] = ("root ::= \"a\"\n" + string.Join('\n', Enumerable.Range(0, 60_000).Select(i => $"r{i}::=\"\"")), null),
        ["wide texts"] = ("root ::= x*\nx ::= \"(\" root \")\" | " + string.Join(" | ", Enumerable.Range(0, 3_000).Select(i => $"\"{string.Concat(Enumerable.Range(0, 255).Select(c => (char)(0x100 + ((c * 7) + i) % 50_000)))}\" root")), ""),
        ["all rules of all"] = (string.Join('\n', Enumerable.Range(0, 190).Select(i => $"{(i == 0 ? "root" : $"r{i}")} ::= {string.Join(" | ", Enumerable.Range(1, 189).Select(j => $"\"{(char)('a' + (j % 26))}\" r{j}"))} | \"x\"")), "x"),
    };

    public static TheoryData<string> Names { get; } = [.. Grammars.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void It_is_held_or_refused(string name)
    {
        (string source, string? text) = Grammars[name];
        Constraint? constraint = null;
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            constraint = Constraint.Gbnf(source);
            Assert.NotNull(text);
        }
        catch (VaiUsageException e)
        {
            // Of some it is as good to say that they are too large.
            Assert.Equal(VaiError.InvalidConstraint, e.Code);
            Assert.True(text is null or "", e.Message);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostAllocated);
        if (text is { Length: > 0 })
            Assert.True(constraint!.Accepts(text));
    }

    [Fact]
    public void Any_text_is_a_grammar_or_an_error_with_a_line()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        string[] parts = ["root", "::=", " ", "\n", "\"a\"", "\"", "[", "]", "^", "-", "(", ")", "|", "*", "+", "?", "{", "}", "1", ",", "x", "\\", "\\n", "#", ".", "<", "!", "é", "\r", "\0", "\ud83d"];
        for (int i = 0; i < 3_000; i++)
        {
            var source = new StringBuilder(random.Next(3) == 0 ? "" : "root ::= ");
            for (int part = random.Next(30); part > 0; part--)
                source.Append(parts[random.Next(parts.Length)]);
            try
            {
                Constraint.Gbnf(source.ToString()).Accepts("a");
            }
            catch (VaiUsageException e)
            {
                Assert.True(e.Code == VaiError.InvalidConstraint && e.Message.Contains("line ", StringComparison.Ordinal), $"seed {seed}, {i}: {source}: {e.Message}");
            }
        }
    }

    [Fact]
    public void Deep_texts_are_followed()
    {
        var pairs = Constraint.Gbnf("root ::= (\"(\" root \")\")*");
        Assert.True(pairs.Accepts(new string('(', 5_000) + new string(')', 5_000)));
        Assert.False(pairs.Accepts(new string('(', 5_000) + new string(')', 4_999)));
    }

    [Fact]
    public void What_is_too_ambiguous_says_so()
    {
        var constraint = Constraint.Gbnf("root ::= ((\"a\" | \"aa\" | \"(\" root \")\"){0,3000} \"b\"?){0,3000}");
        VaiUsageException e = Assert.Throws<VaiUsageException>(() => constraint.Accepts(new string('a', 3_000)));
        Assert.Equal(VaiError.InvalidConstraint, e.Code);
        Assert.Contains("ambiguous", e.Message, StringComparison.Ordinal);
    }
}
