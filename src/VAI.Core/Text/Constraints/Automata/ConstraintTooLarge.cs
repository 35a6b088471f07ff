namespace VAI.Text.Constraints.Automata;

/// <summary>An automaton would become too large, or building it would take too long.</summary>
/// <param name="what">Why, as the end of a sentence.</param>
internal sealed class ConstraintTooLarge(string what) : Exception($"the constraint is too large: {what}");
