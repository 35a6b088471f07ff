using System.Globalization;

namespace VAI.Diagnostics;

/// <summary>Memory of the machine, cut down to the container's (cgroup v2) where that is less.</summary>
internal static class Memory
{
    private const string Cgroup = "/sys/fs/cgroup/";

    /// <summary>Total and available bytes; zeros where the system does not tell.</summary>
    public static (long Total, long Available) Read()
    {
        long total = Field("/proc/meminfo", "MemTotal:") * 1024;
        long available = Field("/proc/meminfo", "MemAvailable:") * 1024;
        long limit = Field(Cgroup + "memory.max", "");
        if (limit <= 0 || limit >= total)
            return (total, available);

        // Pages of files count as used but are given back on demand.
        long used = Field(Cgroup + "memory.current", "") - Field(Cgroup + "memory.stat", "inactive_file");
        return (limit, Math.Clamp(limit - used, 0, available));
    }

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
    public static long ResidentBytes(int process) => Field($"/proc/{process}/status", "VmRSS:") * 1024;

    private static long Field(string file, string name)
    {
        try
        {
            string? line = File.ReadLines(file).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal));
            string? number = line?[name.Length..].Trim().Split(' ')[0];
            return long.TryParse(number, CultureInfo.InvariantCulture, out long value) ? value : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
