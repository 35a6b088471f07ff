using System.Globalization;

namespace VAI.Bench.Report;

/// <summary>A control group of its own with a quota of processor time, below that of this process: of version 1, or of version 2 (cgroups(7)).</summary>
internal sealed class QuotaGroup : IDisposable
{
    private const int PeriodMicroseconds = 100_000;

    private readonly string _path;

    private QuotaGroup(string path) => _path = path;

    /// <summary>A command that runs another one in the group, from its first instruction on.</summary>
    public IReadOnlyList<string> Within(IReadOnlyList<string> command) =>
        ["/bin/sh", "-c", "echo $$ > \"$0\" && exec \"$@\"", Path.Combine(_path, "cgroup.procs"), .. command];

    /// <summary>Makes one.</summary>
    /// <param name="cores">How many processors' time it may use.</param>
    /// <param name="reason">Why there is none.</param>
    public static QuotaGroup? TryMake(double cores, out string reason)
    {
        QuotaGroup? group = null;
        try
        {
            if (Parent() is not { } parent)
            {
                reason = "no control group of the processor can be seen";
                return null;
            }

            string path = Path.Combine(parent.Path, $"vai-report-{Environment.ProcessId}");
            Directory.CreateDirectory(path);
            group = new QuotaGroup(path);
            string quota = ((long)(cores * PeriodMicroseconds)).ToString(CultureInfo.InvariantCulture);
            if (parent.IsUnified)
            {
                Write("cpu.max", $"{quota} {PeriodMicroseconds}");
            }
            else
            {
                Write("cpu.cfs_period_us", $"{PeriodMicroseconds}");
                Write("cpu.cfs_quota_us", quota);
            }

            // Whether processes can be moved there is known when one was.
            Write("cgroup.procs", "0");
            File.WriteAllText(Path.Combine(parent.Path, "cgroup.procs"), "0");
            reason = "";
            return group;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            group?.Dispose();
            reason = $"no control group can be made here ({e.Message.TrimEnd('.')})";
            return null;
        }

        // One that is missing is not to be made: of version 2, where the parent does not share its controller out.
        void Write(string file, string text)
        {
            using var stream = new FileStream(Path.Combine(group!._path, file), FileMode.Open, FileAccess.Write);
            stream.Write(System.Text.Encoding.ASCII.GetBytes(text));
        }
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A process of it still ends. The group is empty then, and costs nothing.
        }
    }

    private static (string Path, bool IsUnified)? Parent()
    {
        foreach (string[] group in File.ReadLines("/proc/self/cgroup").Select(l => l.Split(':', 3)).Where(g => g.Length == 3))
        {
            bool unified = group[1].Length == 0;
            string root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
            if (!unified && !group[1].Split(',').Contains("cpu"))
                continue;
            string path = root + group[2].TrimEnd('/');
            if (File.Exists(Path.Combine(path, "cgroup.procs")))
                return (path, unified);
        }

        return null;
    }
}
