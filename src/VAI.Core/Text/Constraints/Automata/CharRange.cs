namespace VAI.Text.Constraints.Automata;

/// <summary>Code points from one to another, both included.</summary>
internal readonly record struct CharRange(int First, int Last);
