namespace VAI.Native.Memory;

/// <summary>How much memory this process can still have: the machine's, and what its control groups allow.</summary>
/// <param name="Total">Of the machine, or the least limit below that; 0 where the system does not tell.</param>
/// <param name="Available">What can be had without swapping.</param>
/// <param name="Most">What can be had at all, with swapping where there is swap.</param>
/// <param name="Limit">The limit with the least room below it; null where none is set.</param>
internal sealed record MemoryRoom(long Total, long Available, long Most, MemoryLimit? Limit)
{
    /// <summary>
    /// What a process takes before it has a model: .NET, llama.cpp and its buffers (measured of <c>vai run</c> in a control group).
    /// </summary>
    public const long ProcessBytes = 55L << 20;

    // What llama.cpp keeps of each token of a vocabulary, by measurement on those of 32,000 and 152,000.
    private const long BytesPerToken = 220;

    /// <summary>What a process with one model has besides the model's own buffers.</summary>
    public static long PrivateBytes(long vocabulary) => ProcessBytes + VocabularyBytes(vocabulary);

    /// <summary>What a vocabulary takes.</summary>
    public static long VocabularyBytes(long vocabulary) => BytesPerToken * vocabulary;

    /// <summary>Looks now.</summary>
    /// <param name="root">As of <see cref="MemoryGroups"/>.</param>
    public static MemoryRoom Read(string root = "")
    {
        var groups = new MemoryGroups(root);
        long total = Machine("MemTotal:"), available = Machine("MemAvailable:"), swap = Machine("SwapFree:");
        MemoryLimit[] limits = [.. groups.Read().Where(l => total == 0 || l.Bytes < total)];
        MemoryLimit? least = limits.Length > 0 ? limits.MinBy(l => l.Free) : null;

        // With ProcSubset=pid a process sees what its groups allow, and nothing of the machine.
        long[] machine = total == 0 && least is not null ? [] : [total];
        return new MemoryRoom(
            limits.Select(l => l.Bytes).Concat(machine).Min(),
            machine.Select(_ => available).Append(least?.Free ?? long.MaxValue).Min(),
            limits.Select(l => l.Free + Math.Min(swap, l.SwapLeft)).Concat(machine.Select(_ => available + swap)).Min(),
            least);

        long Machine(string name) => (groups.Field("/proc/meminfo", name) ?? 0) * 1024;
    }

    /// <summary>What this process has of <see cref="ProcessBytes"/> already.</summary>
    public static long OwnBytes() => Math.Min(ProcessBytes, Own("RssAnon:"));

    /// <summary>What this process has of memory that is no file's, swapped out or not.</summary>
    public static long AnonymousBytes() => Own("RssAnon:") + Own("VmSwap:");

    /// <summary>Refuses what cannot fit.</summary>
    /// <param name="bytes">What is needed at least.</param>
    /// <param name="what">What needs it, as the start of a sentence.</param>
    /// <param name="todo">What could be done besides giving the process more.</param>
    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/>.</exception>
    public void Require(long bytes, string what, string todo)
    {
        // Where the system does not tell, nobody knows.
        if (bytes <= Most || Total == 0)
            return;
        string why = Limit is { } limit && limit.Free <= Available
            ? $"the control group {limit.Group} allows {MiB(limit.Bytes)}, of which {MiB(limit.Used)} are in use. Raise its limit (MemoryMax= of a unit, --memory of a container)"
            : $"the machine has {MiB(Total)}. Free some";
        throw new VaiEngineException(VaiError.OutOfMemory, $"{what} needs {MiB(bytes)} of memory, and {MiB(Most)} are available: {why}, or {todo}.");
    }

    private static long Own(string name) => (new MemoryGroups().Field("/proc/self/status", name) ?? 0) * 1024;

    private static string MiB(long bytes) => $"{(bytes + (1 << 20) - 1) >> 20} MiB";
}
