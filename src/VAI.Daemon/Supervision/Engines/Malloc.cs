namespace VAI.Daemon.Supervision.Engines;

/// <summary>
/// What glibc's allocator is told of an engine process: to ask for huge pages for what it maps, where the kernel gives them to who asks
/// (madvise(2), <c>glibc.malloc.hugetlb</c> of glibc 2.35). llama.cpp's KV and scratch come from it.
/// </summary>
internal static class Malloc
{
    public const string Variable = "GLIBC_TUNABLES";
    private const string HugePages = "glibc.malloc.hugetlb";

    /// <summary>The tunables, with huge pages unless whoever set them has said something about that.</summary>
    /// <param name="tunables">The variable's value; null where there is none.</param>
    public static string WithHugePages(string? tunables) => string.IsNullOrEmpty(tunables)
        ? HugePages + "=1"
        : tunables.Split(':').Any(t => t.StartsWith(HugePages + "=", StringComparison.Ordinal)) ? tunables : $"{tunables}:{HugePages}=1";
}
