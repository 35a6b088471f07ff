using System.Runtime;

namespace VAI.TestPeer;

/// <summary>Forks children that are killed at random instants, since starting .NET that often takes too long.</summary>
/// <remarks>
/// A fork of .NET has one thread: the collector, the compiler and the finalizer have none. So the caller runs the child's
/// code before, no collection happens from then on, and the child allocates little. Start it with <see cref="Environment"/>.
/// </remarks>
internal static class Zygote
{
    // Code is compiled once and for all, and nothing collects in the background. W^X maps code shared: a child would write
    // into its parent's.
    internal static readonly (string Name, string Value)[] Environment =
        [("DOTNET_TieredCompilation", "0"), ("DOTNET_gcConcurrent", "0"), ("DOTNET_EnableWriteXorExecute", "0")];

    private const long NoGcBytes = 64 << 20;

    /// <summary>Kills as many children; false if one did not end by its kill.</summary>
    /// <param name="kills">How many.</param>
    /// <param name="seed">Of the instants.</param>
    /// <param name="microseconds">No child lives longer than that.</param>
    /// <param name="child">Runs in the child with its number.</param>
    /// <param name="after">Runs in the parent with the number of the child that is dead.</param>
    public static bool Kill(int kills, int seed, int microseconds, Action<int> child, Action<int> after)
    {
        var random = new Random(seed);
        int warm = Libc.waitpid(-1, out _, 1) + Libc.usleep((uint)random.Next(1)) + Libc.kill(System.Environment.ProcessId, 0);
        GC.Collect();
        if (warm > 0 || !GC.TryStartNoGCRegion(NoGcBytes))
            return false;
        bool killed = true;
        for (int i = 0; i < kills && killed; i++)
        {
            int pid = Libc.fork();
            if (pid == 0)
                RunChild(child, i);
            if (pid < 0)
                return false;
            _ = Libc.usleep((uint)random.Next(microseconds));
            _ = Libc.kill(pid, Libc.SIGKILL);
            killed = Libc.waitpid(pid, out int status, 0) == pid && (status & 0x7F) == Libc.SIGKILL;
            after(i);
        }

        if (GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
            GC.EndNoGCRegion();
        return killed;
    }

    private static void RunChild(Action<int> child, int number)
    {
        try
        {
            child(number);
            while (true)
                _ = Libc.usleep(1_000_000);
        }
        catch
        {
            Libc._exit(ExitCodes.CheckFailed);
        }
    }
}
