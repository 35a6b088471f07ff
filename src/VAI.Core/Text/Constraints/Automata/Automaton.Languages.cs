using VAI.Text.Constraints.Automata.Expressions;
using VAI.Text.Constraints.Automata.Tables;

namespace VAI.Text.Constraints.Automata;

/// <content>How automata are made. Each throws <see cref="ConstraintTooLarge"/> where the fuel runs out. What has labels keeps none.</content>
internal sealed partial class Automaton
{
    private static readonly Automaton Anything = new(new Table(Alphabet.Single, [0, 0], [0], [], [], Bits.All(1), null));

    /// <summary>Any text.</summary>
    public static Automaton AnyText() => Anything;

    /// <summary>Any text of some length.</summary>
    /// <param name="min">Code points, at least.</param>
    /// <param name="max">At most; null: any number.</param>
    /// <param name="fuel">What it may cost.</param>
    public static Automaton AnyText(int min, int? max, Fuel fuel)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(min);
        if (max < min)
            return Nothing;
        var builder = new TableBuilder(Alphabet.Single, fuel);
        int last = max ?? min;
        for (int length = 0; length <= last; length++)
        {
            fuel.State();
            builder.EndRow(length < last ? length + 1 : max is null ? length : Dead, length >= min);
        }

        return new Automaton(builder.Build());
    }

    /// <summary>One text; <see cref="Nothing"/> where it is none, as it has half of a surrogate pair.</summary>
    public static Automaton Literal(string text, Fuel fuel) => OfStrings([text], fuel);

    /// <summary>Some texts; see <see cref="Literal"/>.</summary>
    public static Automaton OfStrings(IReadOnlyList<string> strings, Fuel fuel) => OfTrie(StringTrie.Build(strings, labelled: false, fuel));

    /// <summary>Some texts, where each one's <see cref="Label"/> is its index: the first, where there are several.</summary>
    public static Automaton Names(IReadOnlyList<string> names, Fuel fuel) => OfTrie(StringTrie.Build(names, labelled: true, fuel));

    /// <summary>One code point of a set.</summary>
    public static Automaton Chars(CharSet set, Fuel fuel) => ExpressionCompiler.Compile(new OneOf(set), anywhere: false, fuel);

    public Automaton Union(Automaton other, Fuel fuel) => Combine(other, Pairing.Either, fuel);

    public Automaton Intersect(Automaton other, Fuel fuel) => Combine(other, Pairing.Both, fuel);

    /// <summary>What is in this one, and not in another.</summary>
    public Automaton Except(Automaton other, Fuel fuel) => Combine(other, Pairing.FirstAlone, fuel);

    /// <summary>All other texts.</summary>
    public Automaton Complement(Fuel fuel) => Anything.Except(this, fuel);

    public Automaton Concat(Automaton next, Fuel fuel) =>
        ExpressionCompiler.Compile(new Sequence([new Within(_table), new Within(next._table)]), anywhere: false, fuel);

    /// <summary>This one again and again.</summary>
    /// <param name="min">How often, at least.</param>
    /// <param name="max">At most; null: any number.</param>
    /// <param name="fuel">What it may cost.</param>
    public Automaton Repeat(int min, int? max, Fuel fuel) =>
        max < min ? Nothing : ExpressionCompiler.Compile(new Repetition(new Within(_table), min, max), anywhere: false, fuel);

    /// <summary>The same language and labels with the fewest states; as it is where it is too large for that to be cheap.</summary>
    public Automaton Minimize(Fuel fuel) => Shrinking.Minimize(_table, fuel) is var small && small == _table ? this : new Automaton(small);

    public bool IsSubsetOf(Automaton other, Fuel fuel) => !Product.Any(_table, other._table, Pairing.FirstAlone, fuel);

    /// <summary>Whether any text is in both.</summary>
    public bool Intersects(Automaton other, Fuel fuel) => Product.Any(_table, other._table, Pairing.Both, fuel);

    private static Automaton OfTrie(Table? table) => table is null ? Nothing : new Automaton(table);

    private Automaton Combine(Automaton other, Pairing pairing, Fuel fuel) =>
        Shrinking.Finish(Product.Build(_table, other._table, pairing, fuel), fuel);
}
