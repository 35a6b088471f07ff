using VAI.Sram;

namespace VAI;

/// <summary>Which session goes first where two could.</summary>
public enum SessionPriority
{
    /// <summary>A transaction is due 120 seconds after its start. Its model gets a quarter of a high one's share.</summary>
    Low = -1,

    /// <summary>Due after 30 seconds; half the share.</summary>
    Normal = 0,

    /// <summary>Due after 5 seconds.</summary>
    High = 1,
}

/// <summary>What a session is opened with.</summary>
public sealed record SessionOptions
{
    /// <summary>
    /// How many updates a reader may lag behind, 1 to 65,536. A session whose reader falls further behind waits; others go on.
    /// </summary>
    public int BufferedUpdates { get; init; } = 64;

    /// <summary>
    /// How it stands to others. Who is due first gets room in the bank and has its prompt computed first; nobody is overtaken by what
    /// comes later than it was due. Between models it decides the share of the compute time.
    /// </summary>
    public SessionPriority Priority { get; init; }

    /// <summary>It shares what was computed of its prompts with sessions of the same tag alone.</summary>
    internal string? Tag { get; init; } = PrefixTag.Current;
}
