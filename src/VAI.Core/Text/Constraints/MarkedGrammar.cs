using VAI.Native.Llama;
using VAI.Native.Text;
using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Grammars;
using VAI.Text.Constraints.Schemas;

namespace VAI.Text.Constraints;

/// <summary>Marks in a grammar, and what stands before and between them: those that are control tokens of a vocabulary are these tokens, and no text.</summary>
/// <param name="grammar">The grammar.</param>
/// <param name="vocab">The vocabulary; null where all is text.</param>
internal sealed class MarkedGrammar(GrammarBuilder grammar, LlamaVocab? vocab)
{
    private readonly Fuel _fuel = new();

    public GrammarBuilder Grammar => grammar;

    /// <summary>A mark, and what is behind it.</summary>
    public int Marks(string text, int next)
    {
        List<(int Start, SpecialText Text)> controls = vocab is null ? [] : [.. vocab.Specials(control: true).Find(text).Where(s => s.Text.IsControl)];
        int end = text.Length;
        foreach ((int start, SpecialText control) in controls.OrderByDescending(c => c.Start).ThenByDescending(c => c.Text.Length))
        {
            if (start + control.Length > end)
                continue;
            next = grammar.Add(new TokenNode(control.Token, Literal(text[(start + control.Length)..end], next)));
            end = start;
        }

        return Literal(text[..end], next);
    }

    /// <summary>Text in which a mark does not stand.</summary>
    public int Without(string mark, int next) => grammar.Text(RegexParser.Parse(Escape(mark), search: true, _fuel).Complement(_fuel), next);

    /// <summary>Text that a pattern matches.</summary>
    public int Pattern(string pattern, int next) =>
        grammar.Text(RegexParser.Parse(pattern, search: false, _fuel), next, pattern.Contains(SchemaCompiler.Space, StringComparison.Ordinal));

    /// <summary>
    /// An answer, with what the model may think before it: free up to the closing mark, behind which the answer begins, and nothing that reaches across.
    /// </summary>
    /// <param name="format">The marks.</param>
    /// <param name="begins">Whether thoughts have begun.</param>
    /// <param name="answer">The answer's rule.</param>
    public int Thinking(ReasoningFormat format, bool begins, int answer)
    {
        int said = grammar.Add(new CallNode(answer, grammar.End));
        int behind = format.Answer is { } header ? Marks(header, said) : Pattern("[\\r\\n]{0,4}", said);
        int thought = Without(format.Close, Marks(format.Close, behind));
        if (begins)
            return thought;
        int direct = format.Answer is { } own ? grammar.Choice([Marks(own, said), said]) : said;
        return grammar.Choice([Pattern("[\\r\\n]{0,2}", Marks(format.Open, thought)), direct]);
    }

    /// <summary>A text as a pattern.</summary>
    public static string Escape(string text) =>
        string.Concat(text.Select(c => c is '\\' or '^' or '$' or '.' or '*' or '+' or '?' or '(' or ')' or '[' or ']' or '{' or '}' or '|' or '/' ? $"\\{c}" : $"{c}"));

    private int Literal(string text, int next) => text.Length == 0 ? next : grammar.Text(Automaton.Literal(text, _fuel), next);
}
