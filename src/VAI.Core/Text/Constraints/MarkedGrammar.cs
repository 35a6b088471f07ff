using VAI.Native.Llama;
using VAI.Native.Text;
using VAI.Text.Chat;
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

    /// <summary>The control token that a mark begins with; null for none.</summary>
    public SpecialText? ControlAtStart(string mark) =>
        vocab is null ? null : vocab.Specials(control: true).Find(mark).Where(s => s.Start == 0 && s.Text.IsControl).Select(s => (SpecialText?)s.Text).OrderByDescending(t => t!.Value.Length).FirstOrDefault();

    /// <summary>Text in which no mark of some stands.</summary>
    public int Without(int next, params IEnumerable<string> marks) =>
        grammar.Text(grammar.Languages.Pattern(string.Join('|', marks.Select(Escape)), search: true, _fuel).Complement(_fuel), next);

    /// <summary>Text that a pattern matches.</summary>
    public int Pattern(string pattern, int next) =>
        grammar.Text(grammar.Languages.Pattern(pattern, search: false, _fuel), next, SchemaCompiler.IsSpaced(pattern));

    /// <summary>
    /// An answer, with what the model may think before it: free up to the closing mark, behind which the answer begins, and nothing that reaches across.
    /// </summary>
    /// <param name="format">The marks.</param>
    /// <param name="begins">Whether thoughts have begun.</param>
    /// <param name="answer">The answer's rule; null where none may be.</param>
    /// <param name="apart">The rule of what is no answer, and may stand where one may; null for nothing.</param>
    /// <param name="part">What begins that behind thoughts; empty where there is none such. Nothing stands without a header where it is not.</param>
    public int Thinking(ReasoningFormat format, bool begins, int? answer, int? apart = null, string part = "")
    {
        List<int> behind = [], direct = [];
        if (answer is { } rule)
        {
            int said = grammar.Add(new CallNode(rule, grammar.End));
            behind.Add(format.Answer is { } header ? Marks(header, said) : Pattern("[\\r\\n]{0,4}", said));
            if (part.Length == 0)
                direct.Add(said);
            if (format.Answer is { } own)
                direct.AddRange([Marks(own, said), Marks(own[ReasoningStream.CommonHead(own, format.Open)..], said)]);
        }

        if (apart is { } other)
        {
            behind.Add(Marks(part, grammar.Add(new CallNode(other, grammar.End))));
            direct.Add(grammar.Add(new CallNode(other, grammar.End)));
        }

        int thought = Without(Marks(format.Close, grammar.Choice(behind)), format.Close);
        return begins ? thought : grammar.Choice([Pattern("[\\r\\n]{0,2}", Marks(format.Open, thought)), .. direct]);
    }

    /// <summary>A text as a pattern.</summary>
    public static string Escape(string text) =>
        string.Concat(text.Select(c => c is '\\' or '^' or '$' or '.' or '*' or '+' or '?' or '(' or ')' or '[' or ']' or '{' or '}' or '|' or '/' ? $"\\{c}" : $"{c}"));

    private int Literal(string text, int next) => text.Length == 0 ? next : grammar.Text(Automaton.Literal(text, _fuel), next);
}
