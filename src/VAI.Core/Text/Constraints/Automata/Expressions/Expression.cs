using VAI.Text.Constraints.Automata.Tables;

namespace VAI.Text.Constraints.Automata.Expressions;

/// <summary>A regular expression, as a tree.</summary>
internal abstract class Expression;

/// <summary>One code point of a set.</summary>
internal sealed class OneOf(CharSet set) : Expression
{
    public CharSet Set => set;
}

/// <summary>One behind the other; the empty text where there is none.</summary>
internal sealed class Sequence(IReadOnlyList<Expression> parts) : Expression
{
    public IReadOnlyList<Expression> Parts => parts;
}

/// <summary>Any of some.</summary>
internal sealed class Choice(IReadOnlyList<Expression> branches) : Expression
{
    public IReadOnlyList<Expression> Branches => branches;
}

/// <summary>The same again and again.</summary>
/// <param name="inner">What.</param>
/// <param name="min">How often, at least.</param>
/// <param name="max">At most; null: any number.</param>
internal sealed class Repetition(Expression inner, int min, int? max) : Expression
{
    public Expression Inner => inner;

    public int Min => min;

    public int? Max => max;
}

/// <summary>The start or the end of the text.</summary>
internal sealed class Anchor(bool atStart) : Expression
{
    public bool AtStart => atStart;
}

/// <summary>Whatever an automaton accepts.</summary>
internal sealed class Within(Table table) : Expression
{
    public Table Table => table;
}
