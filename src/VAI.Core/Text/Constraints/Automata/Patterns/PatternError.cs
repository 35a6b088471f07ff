namespace VAI.Text.Constraints.Automata;

/// <summary>What is wrong with a pattern, or cannot be done, and where.</summary>
/// <param name="position">Of the UTF-16 unit, from 0.</param>
/// <param name="what">What is wrong.</param>
internal sealed class PatternError(int position, string what) : Exception($"at {position}: {what}")
{
    /// <summary>Of the UTF-16 unit, from 0.</summary>
    public int Position => position;

    /// <summary>Without the position.</summary>
    public string What => what;
}
