using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.TestPeer;

/// <summary>What .NET has no name for.</summary>
internal static partial class Libc
{
    internal const int SIGKILL = 9;
    internal const int PR_SET_THP_DISABLE = 41;

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

    [LibraryImport("libc.so.6", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int open(string path, int flags);

    [LibraryImport("libc.so.6", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int truncate(string path, long length);

    [LibraryImport("libc.so.6", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int chmod(string path, uint mode);

    [LibraryImport("libc.so.6", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int chown(string path, int user, int group);

    [LibraryImport("libc.so.6", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int rename(string from, string to);

    [LibraryImport("libc.so.6", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int unlink(string path);

    [LibraryImport("libc.so.6", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int mkfifo(string path, uint mode);

    [LibraryImport("libc.so.6", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int mount(string source, string target, string type, nuint flags, string options);

    [LibraryImport("libc.so.6")]
    internal static unsafe partial int connect(int socket, byte* address, int length);

    [LibraryImport("libc.so.6")]
    internal static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc.so.6")]
    internal static unsafe partial int pipe(int* ends);

    [LibraryImport("libc.so.6")]
    internal static partial int close(int file);

    [LibraryImport("libc.so.6")]
    internal static unsafe partial nint read(int file, byte* buffer, nint length);

    [LibraryImport("libc.so.6")]
    internal static unsafe partial nint write(int file, byte* buffer, nint length);

    /// <summary>Gives up root, in every thread, for a user and the group of the same number.</summary>
    internal static void BecomeUser(int id)
    {
        // A process that changes its user no longer owns its /proc/self, which one that began as that user does.
        const int SetDumpable = 4;
        if (setgroups(0, 0) != 0 || setgid(id) != 0 || setuid(id) != 0 || prctl(SetDumpable, 1, 0, 0, 0) != 0)
            throw new InvalidOperationException($"cannot become user {id}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc.so.6", SetLastError = true)]
    private static partial int setgroups(nuint count, nint groups);

    [LibraryImport("libc.so.6", SetLastError = true)]
    private static partial int setgid(int id);

    [LibraryImport("libc.so.6", SetLastError = true)]
    private static partial int setuid(int id);

    [LibraryImport("libc.so.6", SetLastError = true)]
    internal static partial int prctl(int option, nuint a, nuint b, nuint c, nuint d);

    /// <summary>Type and permissions of what is at a path, and of a link itself.</summary>
    internal static uint ModeOf(string path) => Status(path).stx_mode;

    internal static uint OwnerOf(string path) => Status(path).stx_uid;

    private static statx_result Status(string path)
    {
        using var here = new SafeFileHandle(LibcNative.AT_FDCWD, ownsHandle: false);
        return LibcNative.statx(here, path, LibcNative.AT_SYMLINK_NOFOLLOW, LibcNative.STATX_BASIC_STATS, out statx_result status) == 0
            ? status : throw new InvalidOperationException($"{path}: {Marshal.GetLastPInvokeErrorMessage()}");
    }
}
