using System.IO.MemoryMappedFiles;
using System.Runtime;

namespace VAI.TestPeer;

/// <summary>Forks children that are killed at random instants, since starting .NET that often takes too long.</summary>
/// <remarks>
/// A fork of .NET has one thread: the collector, the compiler and the finalizer have none. So the caller runs the child's
/// code before, no collection happens from then on, and the child allocates little. Start it with <see cref="Environment"/>.
/// </remarks>
internal static unsafe class Zygote
{
    // Code is compiled once and for all, and nothing collects in the background. W^X maps code shared: a child would write
    // into its parent's.
    internal static readonly (string Name, string Value)[] Environment =
        [("DOTNET_TieredCompilation", "0"), ("DOTNET_gcConcurrent", "0"), ("DOTNET_EnableWriteXorExecute", "0")];

    private const long NoGcBytes = 64 << 20;
    private const int NoHang = 1;

    /// <summary>Kills as many children; false if one did not end by its kill.</summary>
    /// <param name="kills">How many.</param>
    /// <param name="seed">Of the instants.</param>
    /// <param name="microseconds">No child lives longer than that from when it has begun, however late it got a core.</param>
    /// <param name="child">Runs in the child with its number, and says when it has begun.</param>
    /// <param name="after">Runs in the parent with the number of the child that is dead.</param>
    public static bool Kill(int kills, int seed, int microseconds, Action<int, Action> child, Action<int> after)
    {
        // Others are not there in a child.
        using var shared = MemoryMappedFile.CreateNew(
            null, System.Environment.SystemPageSize, MemoryMappedFileAccess.ReadWrite, MemoryMappedFileOptions.None, HandleInheritability.Inheritable);
        using MemoryMappedViewAccessor view = shared.CreateViewAccessor();
        byte* word = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref word);
        int number = 0;
        Action begun = () => Volatile.Write(ref *(int*)word, number);
        begun();
        var random = new Random(seed);
        int warm = Libc.waitpid(-1, out _, NoHang) + Libc.usleep((uint)random.Next(1)) + Libc.kill(System.Environment.ProcessId, 0);
        GC.Collect();
        if (warm > 0 || !GC.TryStartNoGCRegion(NoGcBytes))
            return false;
        bool killed = true;
        for (int i = 0; i < kills && killed; i++)
        {
            number = i + 1;
            int pid = Libc.fork();
            if (pid == 0)
                RunChild(child, i, begun);
            if (pid < 0)
                return false;
            while (Volatile.Read(ref *(int*)word) != number)
            {
                if (Libc.waitpid(pid, out _, NoHang) != 0)
                    return false;
            }

            _ = Libc.usleep((uint)random.Next(microseconds));
            _ = Libc.kill(pid, Libc.SIGKILL);
            killed = Libc.waitpid(pid, out int status, 0) == pid && (status & 0x7F) == Libc.SIGKILL;
            after(i);
        }

        if (GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
            GC.EndNoGCRegion();
        return killed;
    }

    private static void RunChild(Action<int, Action> child, int number, Action begun)
    {
        try
        {
            child(number, begun);
            while (true)
                _ = Libc.usleep(1_000_000);
        }
        catch
        {
            Libc._exit(ExitCodes.CheckFailed);
        }
    }
}
