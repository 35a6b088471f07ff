using Microsoft.Win32.SafeHandles;

namespace VAI.Native.Machine;

/// <summary>
/// How often the control group of this process was kept from its processors because it had used up its quota
/// (<c>nr_throttled</c> of <c>cpu.stat</c>: the kernel's Documentation/scheduler/sched-bwc.rst). Used by one thread at a time.
/// </summary>
internal sealed class Throttle : IDisposable
{
    private readonly SafeFileHandle? _stat = Open();

    /// <summary>Periods in which it was; 0 where there are no quotas. Allocates nothing.</summary>
    public long Count()
    {
        if (_stat is null)
            return 0;
        Span<byte> bytes = stackalloc byte[1024];
        try
        {
            var text = new ProcText(bytes[..RandomAccess.Read(_stat, bytes, 0)]);
            return text.TrySkip("nr_throttled "u8) && text.TryNext(out long count) ? count : 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    public void Dispose() => _stat?.Dispose();

    // Of version 2 (one tree), or of version 1 (a tree for each controller); in a container a group's own tree begins at the mount.
    private static SafeFileHandle? Open()
    {
        try
        {
            foreach (string[] group in File.ReadLines("/proc/self/cgroup").Select(l => l.Split(':', 3)).Where(g => g.Length == 3))
            {
                if (group[1].Length > 0 && !group[1].Split(',').Contains("cpu"))
                    continue;
                string root = group[1].Length == 0 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
                string? file = new[] { $"{root}{group[2]}/cpu.stat", $"{root}/cpu.stat" }.FirstOrDefault(File.Exists);
                if (file is not null)
                    return File.OpenHandle(file);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No control groups that can be seen.
        }

        return null;
    }
}
