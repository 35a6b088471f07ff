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
    public const long DefaultSteps = 2_500_000;

    private const long LeastStates = 2_000, LeastSteps = 40_000;

    private readonly long _mostStates = states;
    private readonly long _mostSteps = steps;

    /// <summary>That may still be made.</summary>
    public long StatesLeft { get; private set; } = states;

    /// <summary>That may still be done.</summary>
    public long StepsLeft { get; private set; } = steps;

    /// <summary>Whether nothing is left, but what little ones need in any case.</summary>
    public bool IsSpent => StatesLeft == 0 || StepsLeft == 0;

    /// <summary>For one of several: no more than half of what is left, so that one which is too large leaves something to the others; what little ones need in any case.</summary>
    public Fuel Share() => new(Math.Clamp(StatesLeft / 2, LeastStates, DefaultStates), Math.Clamp(StepsLeft / 2, LeastSteps, DefaultSteps));

    /// <summary>Takes what of a share was used.</summary>
    public void Take(Fuel share)
    {
        StatesLeft = Math.Max(0, StatesLeft - share._mostStates + Math.Max(0, share.StatesLeft));
        StepsLeft = Math.Max(0, StepsLeft - share._mostSteps + Math.Max(0, share.StepsLeft));
    }

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
