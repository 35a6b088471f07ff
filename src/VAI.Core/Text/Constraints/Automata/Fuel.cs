namespace VAI.Text.Constraints.Automata;

/// <summary>
/// What building automata may cost: patterns and names come from whoever asks, so that what would take too long or too much memory ends in
/// <see cref="ConstraintTooLarge"/>. One may be shared by many calls. Not for several threads.
/// </summary>
/// <param name="states">Most states that are made; those of texts written out, as <see cref="Automaton.OfStrings"/> makes them, count as steps.</param>
/// <param name="steps">Most steps; about 10 ns and 8 bytes each, at most.</param>
internal sealed class Fuel(long states = Fuel.DefaultStates, long steps = Fuel.DefaultSteps)
{
    public const long DefaultStates = 200_000;
    public const long DefaultSteps = 5_000_000;

    private readonly long _mostStates = states;
    private readonly long _mostSteps = steps;

    /// <summary>That may still be made.</summary>
    public long StatesLeft { get; private set; } = states;

    /// <summary>That may still be done.</summary>
    public long StepsLeft { get; private set; } = steps;

    /// <summary>One state that is about to be made.</summary>
    public void State()
    {
        if (--StatesLeft < 0)
            throw new ConstraintTooLarge($"it needs more than {_mostStates} states");
    }

    /// <summary>Steps that are about to be done.</summary>
    public void Step(long count = 1)
    {
        if ((StepsLeft -= count) < 0)
            throw new ConstraintTooLarge($"building it takes more than {_mostSteps} steps");
    }
}
