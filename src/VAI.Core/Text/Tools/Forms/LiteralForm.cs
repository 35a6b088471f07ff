using VAI.Text.Constraints;
using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Grammars;
using VAI.Text.Constraints.Schemas;
using VAI.Text.Tools.Formats;

namespace VAI.Text.Tools.Forms;

/// <summary>The grammar of arguments that are written as a programming language has its values.</summary>
internal sealed class LiteralForm(LiteralSyntax syntax, MarkedGrammar marked) : ArgumentForm
{
    private const string Space = SchemaCompiler.Space;

    public override bool IsDeep => true;

    public override (string Null, string True, string False) Words => syntax.Quote is null ? RawText.PythonWords : base.Words;

    public override bool CanName(string name, bool outer) =>
        name.Length > 0 && name.Trim() == name && !name.Any(c => char.IsControl(c) || c is ':' or '=' or ',' or '{' or '}' or '[' or ']' or '(' or ')' or '<' or '"' or '\'');

    public override bool HasRawKeys(bool outer) => outer || !syntax.QuotedKeys;

    public override int? Text(Automaton language, int least, int most, JsonTypes beside, Fuel fuel, int next)
    {
        if (syntax.Quote is { } quote)
            return RawText.Add(marked, quote, null, language, least, most, fuel, marked.Marks(quote, next)) is { } text ? marked.Marks(quote, text) : null;
        return marked.Grammar.Choice(
        [
            marked.Marks("\"", marked.Grammar.Add(new StringNode(language, least, most, next))),
            marked.Marks("'", marked.Grammar.Add(new StringNode(language, least, most, next, '\''))),
        ]);
    }

    public override int Open(bool outer, int next) => marked.Pattern($"{Bracket(outer ? syntax.Open : '{')}{Space}", next);

    public override int Close(bool outer, int next) => marked.Pattern($"{Space}{Bracket(outer ? syntax.Close : '}')}", next);

    public override int Key(bool outer, bool first, int key)
    {
        string open = (first ? "" : $",{Space}") + (HasRawKeys(outer) ? "" : "\"");
        return open.Length == 0 ? key : marked.Pattern(open, key);
    }

    public override KeyNode Key(bool outer, MembersNode of) => HasRawKeys(outer) ? new KeyNode(of, Assign(outer), IsRaw: true) : new KeyNode(of);

    public override int Entry(bool outer, int text, int other, int after)
    {
        int value = marked.Grammar.Add(new CallNode(other, after));
        return HasRawKeys(outer) ? value : marked.Pattern($":{Space}", value);
    }

    private char Assign(bool outer) => outer ? syntax.Assign : ':';

    private static string Bracket(char bracket) => $"\\{bracket}";
}
