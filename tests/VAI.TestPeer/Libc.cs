using System.Runtime.InteropServices;

namespace VAI.TestPeer;

/// <summary>What .NET has no name for.</summary>
internal static partial class Libc
{
    internal const int SIGKILL = 9;

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
}
