using VAI.Text.Constraints;
using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Grammars;
using VAI.Text.Constraints.Schemas;
using VAI.Text.Tools.Formats;

namespace VAI.Text.Tools.Forms;

/// <summary>The grammar of arguments that stand each between marks.</summary>
internal sealed class TagForm(TagSyntax syntax, MarkedGrammar marked) : ArgumentForm
{
    public override bool IsDeep => false;

    public override (string Null, string True, string False) Words => syntax.PythonWords ? RawText.PythonWords : base.Words;

    public override bool CanName(string name, bool outer) =>
        name.Length > 0 && name.Trim() == name && !name.Contains(syntax.KeyClose[0], StringComparison.Ordinal) && !name.Any(char.IsControl);

    public override bool HasRawKeys(bool outer) => true;

    public override int? Text(Automaton language, int least, int most, JsonTypes beside, Fuel fuel, int next) =>
        RawText.Add(marked, syntax.Close, Unlike(beside), language, least, most, fuel, next);

    public override int Open(bool outer, int next) => next;

    public override int Close(bool outer, int next) => next;

    public override int Key(bool outer, bool first, int key) => marked.Marks(syntax.KeyOpen, key);

    public override KeyNode Key(bool outer, MembersNode of) => RawText.Key(marked, syntax.KeyClose, of);

    public override int Entry(bool outer, int text, int other, int after)
    {
        string rest = syntax.KeyClose[RawText.StopLength(marked, syntax.KeyClose)..];
        int close = marked.Marks(syntax.Padding + syntax.Close + syntax.After, after);
        return marked.Grammar.Choice(
        [
            marked.Marks(rest + syntax.TextOpen + syntax.Padding, marked.Grammar.Add(new CallNode(text, close))),
            marked.Marks(rest + syntax.ValueOpen + syntax.Padding, marked.Grammar.Add(new CallNode(other, close))),
        ]);
    }

    // Which text is a string is known to who reads by these alone.
    private string? Unlike(JsonTypes beside)
    {
        if (syntax.IsMarked || beside == JsonTypes.None)
            return null;
        List<string> other = [];
        if ((beside & JsonTypes.Number) != 0)
            other.Add(RawText.Number);
        if (beside.HasFlag(JsonTypes.Boolean))
            other.Add($"{Words.True}|{Words.False}");
        if (beside.HasFlag(JsonTypes.Null))
            other.Add(Words.Null);
        if (beside.HasFlag(JsonTypes.Object))
            other.Add("\\{[\\s\\S]*");
        if (beside.HasFlag(JsonTypes.Array))
            other.Add("\\[[\\s\\S]*");
        return string.Join('|', other);
    }
}
