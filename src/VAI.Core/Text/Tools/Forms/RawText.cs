using VAI.Text.Constraints;
using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Grammars;

namespace VAI.Text.Tools.Forms;

/// <summary>Strings and keys that are written as they stand.</summary>
internal static class RawText
{
    /// <summary>A number of JSON's, as a pattern.</summary>
    public const string Number = "-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?";

    /// <summary>What Python prints, or JSON.</summary>
    public static (string Null, string True, string False) PythonWords => ("None|null", "True|true", "False|false");

    /// <summary>Adds a string; null where none of the language can be written.</summary>
    /// <param name="marked">To what.</param>
    /// <param name="close">What closes it, and does not stand in it.</param>
    /// <param name="unlike">What it must not look like: a pattern; null for nothing.</param>
    /// <param name="language">The strings.</param>
    /// <param name="least">Least characters beside the language.</param>
    /// <param name="most">Most characters beside the language.</param>
    /// <param name="fuel">What it may cost.</param>
    /// <param name="next">Behind it.</param>
    public static int? Add(MarkedGrammar marked, string close, string? unlike, Automaton language, int least, int most, Fuel fuel, int next)
    {
        Automaton may = RegexParser.Parse(MarkedGrammar.Escape(close), search: true, fuel).Complement(fuel);
        if (unlike is not null)
            may = may.Except(RegexParser.Parse(unlike, search: false, fuel), fuel);

        // Lengths stand beside any text only: of what may come of that, some character always makes a text.
        if (language != Automaton.AnyText())
            may = may.Intersect(language, fuel);
        return may.IsEmpty || least > most ? null : marked.Grammar.Add(new RawNode(may, least, most, next));
    }

    /// <summary>A key and what closes it: the first character of a mark, or a control token that it begins with.</summary>
    public static KeyNode Key(MarkedGrammar marked, string close, MembersNode of) => new(of, close[0], IsRaw: true, marked.ControlAtStart(close)?.Token ?? -1);

    /// <summary>How much of a mark closes a key.</summary>
    public static int StopLength(MarkedGrammar marked, string close) => marked.ControlAtStart(close)?.Length ?? 1;
}
