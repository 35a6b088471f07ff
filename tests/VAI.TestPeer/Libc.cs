using System.Runtime.InteropServices;

namespace VAI.TestPeer;

/// <summary>What .NET has no name for.</summary>
internal static partial class Libc
{
    internal const int SIGKILL = 9;
    private const int CLOCK_THREAD_CPUTIME_ID = 3;

    [LibraryImport("libc.so.6")]
    internal static partial int fork();

    [LibraryImport("libc.so.6")]
    internal static partial int kill(int pid, int signal);

    [LibraryImport("libc.so.6")]
    internal static partial int waitpid(int pid, out int status, int options);

    [LibraryImport("libc.so.6")]
    internal static partial int usleep(uint microseconds);

    [LibraryImport("libc.so.6")]
    internal static partial void _exit(int code);

    /// <summary>What the calling thread has computed so far; time in which it was not let run does not count.</summary>
    internal static long ThreadNanoseconds()
    {
        _ = clock_gettime(CLOCK_THREAD_CPUTIME_ID, out TimeSpec time);
        return (time.Seconds * 1_000_000_000) + time.Nanoseconds;
    }

    [LibraryImport("libc.so.6")]
    private static partial int clock_gettime(int clock, out TimeSpec time);

    private struct TimeSpec
    {
        internal long Seconds;
        internal long Nanoseconds;
    }
}
