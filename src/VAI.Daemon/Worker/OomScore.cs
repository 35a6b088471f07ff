namespace VAI.Daemon.Worker;

/// <summary>What the kernel ends first where there is no memory left: an engine, which is replaced, rather than its supervisor.</summary>
internal static class OomScore
{
    private const string Raised = "500";

    /// <summary>Raises this process'. Any process may.</summary>
    public static void Raise()
    {
        try
        {
            File.WriteAllText("/proc/self/oom_score_adj", Raised);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No such file, or it has a higher one: the kernel chooses as it did.
        }
    }
}
