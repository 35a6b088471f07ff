using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Grammars;

namespace VAI.Text.Constraints.Schemas;

/// <summary>How the arguments of a call are written where they are no JSON.</summary>
internal abstract class ArgumentForm
{
    /// <summary>Whether what is within an argument is written so too; else that is JSON, but for a string that is an argument itself.</summary>
    public abstract bool IsDeep { get; }

    /// <summary>How an argument that is no number and no string is written, and what is within one where that is written so too: patterns.</summary>
    public virtual (string Null, string True, string False) Words => ("null", "true", "false");

    /// <summary>Whether a name can be written.</summary>
    /// <param name="name">The name.</param>
    /// <param name="outer">Whether it is an argument's, and not that of a member of one.</param>
    public abstract bool CanName(string name, bool outer);

    /// <summary>Whether keys are words as they stand, and no strings.</summary>
    public abstract bool HasRawKeys(bool outer);

    /// <summary>A string, with the marks that are its own; null where none of the language can be written.</summary>
    /// <param name="language">The strings.</param>
    /// <param name="least">Least characters beside the language.</param>
    /// <param name="most">Most characters beside the language.</param>
    /// <param name="beside">What else the value may be that is not told from a string by a mark.</param>
    /// <param name="fuel">What it may cost.</param>
    /// <param name="next">Behind it.</param>
    public abstract int? Text(Automaton language, int least, int most, JsonTypes beside, Fuel fuel, int next);

    /// <summary>What opens an object.</summary>
    public abstract int Open(bool outer, int next);

    /// <summary>What closes an object.</summary>
    public abstract int Close(bool outer, int next);

    /// <summary>Opens a key.</summary>
    /// <param name="outer">Whether it is an argument's.</param>
    /// <param name="first">Whether it is the first.</param>
    /// <param name="key">The key.</param>
    public abstract int Key(bool outer, bool first, int key);

    /// <summary>A key and what closes it.</summary>
    public abstract KeyNode Key(bool outer, MembersNode of);

    /// <summary>What stands behind a key.</summary>
    /// <param name="outer">Whether it is an argument's.</param>
    /// <param name="text">The rule of the strings that the value may be; where all within is written so, of all values.</param>
    /// <param name="other">The rule of the other values.</param>
    /// <param name="after">Behind the member.</param>
    public abstract int Entry(bool outer, int text, int other, int after);
}
