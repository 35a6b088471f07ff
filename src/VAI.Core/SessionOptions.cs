namespace VAI;

/// <summary>What a session is opened with.</summary>
public sealed record SessionOptions
{
    /// <summary>
    /// How many updates a reader may lag behind, 1 to 65,536. A session whose reader falls further behind waits; others go on.
    /// </summary>
    public int BufferedUpdates { get; init; } = 64;
}
