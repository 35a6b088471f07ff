namespace VAI.Text.Constraints.Gbnf;

/// <summary>What is wrong with a grammar, or cannot be held, and where.</summary>
/// <param name="line">From 1.</param>
/// <param name="what">What is wrong, and what to do.</param>
internal sealed class GbnfError(int line, string what) : Exception($"line {line}: {what}")
{
    public int Line => line;

    /// <summary>Without the line.</summary>
    public string What => what;
}
