namespace VAI.Residency;

/// <summary>How many threads pay for compute: one per physical core, as two on one core share its vector units.</summary>
internal static class Cores
{
    /// <summary>Physical cores this process may use: affinity and container limits counted.</summary>
    public static int Physical { get; } = Count();

    private static int Count()
    {
        int allowed = Environment.ProcessorCount;
        try
        {
            int physical = Directory.EnumerateDirectories("/sys/devices/system/cpu", "cpu*")
                .Select(d => Path.Combine(d, "topology", "thread_siblings_list"))
                .Where(File.Exists)
                .Select(f => File.ReadAllText(f).Trim())
                .Distinct()
                .Count();
            return physical == 0 ? allowed : Math.Clamp(physical, 1, allowed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return allowed;
        }
    }
}
