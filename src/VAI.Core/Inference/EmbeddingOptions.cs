namespace VAI;

/// <summary>When an embedding is due. Immutable.</summary>
public sealed record EmbeddingOptions
{
    /// <summary>What goes first where texts wait, and how the model shares the device with others meanwhile.</summary>
    public SessionPriority Priority { get; init; } = SessionPriority.Normal;

    /// <summary>
    /// How long it may take from the call on, zero or more; null, or <see cref="Timeout.InfiniteTimeSpan"/>, for as long as it takes. What has a
    /// deadline is due by it, and goes before what is due later.
    /// </summary>
    public TimeSpan? Deadline { get; init; }
}
