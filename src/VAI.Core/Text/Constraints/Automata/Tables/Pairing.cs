namespace VAI.Text.Constraints.Automata.Tables;

/// <summary>What a pair of states means, either of which may be <see cref="Table.Dead"/>.</summary>
internal abstract class Pairing
{
    public static Pairing Both { get; } = new OfBoth();

    public static Pairing Either { get; } = new OfEither();

    public static Pairing FirstAlone { get; } = new OfFirstAlone();

    /// <summary>Whether nothing can follow that is accepted.</summary>
    public abstract bool IsDead(int first, int second);

    public abstract bool Accepts(Table a, int first, Table b, int second);

    /// <summary>Of a pair that accepts; -1 for none.</summary>
    public virtual int Label(Table a, int first, Table b, int second) => -1;

    protected static bool Accepts(Table table, int state) => state >= 0 && table.Accepts(state);

    private sealed class OfBoth : Pairing
    {
        public override bool IsDead(int first, int second) => first < 0 || second < 0;

        public override bool Accepts(Table a, int first, Table b, int second) => Accepts(a, first) && Accepts(b, second);
    }

    private sealed class OfEither : Pairing
    {
        public override bool IsDead(int first, int second) => first < 0 && second < 0;

        public override bool Accepts(Table a, int first, Table b, int second) => Accepts(a, first) || Accepts(b, second);
    }

    private sealed class OfFirstAlone : Pairing
    {
        public override bool IsDead(int first, int second) => first < 0;

        public override bool Accepts(Table a, int first, Table b, int second) => Accepts(a, first) && !Accepts(b, second);
    }
}
