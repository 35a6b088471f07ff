namespace VAI;

/// <summary>The marks around a model's thoughts.</summary>
/// <param name="Open">Before them, as <c>&lt;think&gt;</c>.</param>
/// <param name="Close">Behind them, as <c>&lt;/think&gt;</c>.</param>
public sealed record ReasoningFormat(string Open, string Close)
{
    /// <summary>
    /// What stands before the answer behind the thoughts, beside <see cref="Close"/>: formats with a header for each part have one. Null for none.
    /// </summary>
    public string? Answer { get; init; }
}
