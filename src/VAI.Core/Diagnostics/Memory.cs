using VAI.Native.Memory;

namespace VAI.Diagnostics;

/// <summary>Memory of the machine and of its processes; what this one may have of it is <see cref="MemoryRoom"/>'s.</summary>
internal static class Memory
{
    /// <summary>Size and free bytes of <c>/dev/shm</c>; zeros where there is none.</summary>
    public static (long Total, long Free) ReadShared()
    {
        try
        {
            var drive = new DriveInfo("/dev/shm");
            return (drive.TotalSize, drive.AvailableFreeSpace);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return (0, 0);
        }
    }

    /// <summary>What a process has in memory, in bytes; zero where there is none.</summary>
    public static long ResidentBytes(int process) => (new MemoryGroups().Field($"/proc/{process}/status", "VmRSS:") ?? 0) * 1024;
}
