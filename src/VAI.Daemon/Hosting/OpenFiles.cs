using VAI.Native.Interop;

namespace VAI.Daemon.Hosting;

/// <summary>How many files this process may have open, and how many of them may be connections: without any left no engine can be started, and nobody be heard.</summary>
internal static class OpenFiles
{
    // Engine processes take half a dozen each, and sessions on their way one.
    private const long Reserve = 128;

    /// <summary>RLIMIT_NOFILE, which .NET has raised as far as it may; null where that cannot be read, or there is none.</summary>
    public static long? Limit =>
        LibcNative.getrlimit(LibcNative.RLIMIT_NOFILE, out resource_limit limit) == 0 && limit.rlim_cur <= long.MaxValue ? (long)limit.rlim_cur : null;

    /// <summary>How many there are.</summary>
    public static int Count
    {
        get
        {
            try
            {
                return Directory.EnumerateFileSystemEntries("/proc/self/fd").Count();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return 0;
            }
        }
    }

    /// <summary>How many connections there may be where so many files may be open, and so many are.</summary>
    public static int ConnectionsOf(long limit, long open)
    {
        long free = Math.Max(0, limit - open);
        return (int)Math.Clamp(free - Math.Min(Reserve, free / 2), 1, int.MaxValue);
    }
}
