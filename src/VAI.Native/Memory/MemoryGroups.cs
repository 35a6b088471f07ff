using System.Globalization;

namespace VAI.Native.Memory;

/// <summary>A limit on memory that this process is under.</summary>
/// <param name="Group">The control group's directory.</param>
/// <param name="Bytes">What its processes may have together.</param>
/// <param name="Used">What they have, without what the kernel takes back on demand: pages of files.</param>
/// <param name="SwapLeft">What of them may yet be swapped out.</param>
internal readonly record struct MemoryLimit(string Group, long Bytes, long Used, long SwapLeft)
{
    public long Free => Math.Max(0, Bytes - Used);
}

/// <summary>
/// The limits of this process's own memory control group and of all above it, in either version of cgroups: each holds, so that the
/// one with the least room counts.
/// </summary>
/// <param name="root">What stands before every path; a test has its own files there.</param>
internal sealed class MemoryGroups(string root = "")
{
    /// <summary>Every limit that is set, the process's own group first; none where there is no cgroup to be seen.</summary>
    public IReadOnlyList<MemoryLimit> Read()
    {
        var limits = new List<MemoryLimit>();
        Mount[] mounts = [.. Lines("/proc/self/mountinfo").Select(ParseMount).OfType<Mount>()];
        foreach (string line in Lines("/proc/self/cgroup"))
        {
            // hierarchy:controllers:path, where version 2 has hierarchy 0 and no controllers.
            string[] parts = line.Split(':', 3);
            if (parts.Length < 3)
                continue;
            bool v2 = parts[0] == "0" && parts[1].Length == 0;
            if (!v2 && !parts[1].Split(',').Contains("memory"))
                continue;
            Mount[] fit = [.. mounts.Where(m => m.IsV2 == v2)];
            if (fit.Length == 0)
                continue;
            Mount mount = fit.Where(m => m.Below(parts[2]) is not null).OrderByDescending(m => m.Root.Length).FirstOrDefault() ?? fit[0];

            // What lies outside of what is mounted is not to be seen: a container sees its own group at the mount's root.
            limits.AddRange(Walk(mount.Point.TrimEnd('/'), mount.Below(parts[2]) ?? "", v2));
        }

        return limits;
    }

    /// <summary>The number after a name at the start of a line; null where there is none.</summary>
    public long? Field(string file, string name)
    {
        string? line = Lines(file).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal));
        string? number = line?[name.Length..].Trim().Split(' ')[0];
        return long.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value : null;
    }

    private IEnumerable<MemoryLimit> Walk(string top, string below, bool v2)
    {
        for (string path = below.TrimEnd('/'); ; path = path[..path.LastIndexOf('/')])
        {
            if ((v2 ? ReadV2(top + path) : ReadV1(top + path)) is { } limit)
                yield return limit;

            // Until Linux 5.11 a group of version 1 did not count its children's memory unless it was told to.
            if (path.Length == 0 || (!v2 && Field(top + path[..path.LastIndexOf('/')] + "/memory.use_hierarchy", "") == 0))
                yield break;
        }
    }

    private MemoryLimit? ReadV2(string group)
    {
        if (Field(group + "/memory.max", "") is not { } max)
            return null;
        long reclaimable = Stat("inactive_file ") + Stat("active_file ") + Stat("slab_reclaimable ");
        long? swap = Field(group + "/memory.swap.max", "") - (Field(group + "/memory.swap.current", "") ?? 0);
        return new MemoryLimit(group, max, Used(Field(group + "/memory.current", ""), reclaimable), Math.Max(0, swap ?? long.MaxValue));

        long Stat(string name) => Field(group + "/memory.stat", name) ?? 0;
    }

    private MemoryLimit? ReadV1(string group)
    {
        // Without a limit it is the largest number of whole pages.
        if (Field(group + "/memory.limit_in_bytes", "") is not { } max || max >= long.MaxValue / 2)
            return null;
        long usage = Field(group + "/memory.usage_in_bytes", "") ?? 0;
        long reclaimable = Stat("total_inactive_file ") + Stat("total_active_file ");
        long? both = Field(group + "/memory.memsw.limit_in_bytes", "") - Field(group + "/memory.memsw.usage_in_bytes", "");
        return new MemoryLimit(group, max, Used(usage, reclaimable), both is { } left ? Math.Max(0, left - Math.Max(0, max - usage)) : long.MaxValue);

        long Stat(string name) => Field(group + "/memory.stat", name) ?? 0;
    }

    private static long Used(long? usage, long reclaimable) => Math.Max(0, (usage ?? 0) - reclaimable);

    private IEnumerable<string> Lines(string file)
    {
        try
        {
            return File.ReadAllLines(root + file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    // id parent device root point options [tags] - type source options; see proc_pid_mountinfo(5).
    private static Mount? ParseMount(string line)
    {
        string[] fields = line.Split(' ');
        int dash = Array.IndexOf(fields, "-");
        if (dash < 5 || fields.Length < dash + 4)
            return null;
        bool v2 = fields[dash + 1] == "cgroup2", v1 = fields[dash + 1] == "cgroup" && fields[dash + 3].Split(',').Contains("memory");
        return v1 || v2 ? new Mount(Unescape(fields[3]), Unescape(fields[4]), v2) : null;
    }

    private static string Unescape(string path) =>
        path.Replace("\\040", " ").Replace("\\011", "\t").Replace("\\012", "\n").Replace("\\134", "\\");

    private sealed record Mount(string Root, string Point, bool IsV2)
    {
        /// <summary>A group's path below the mount; null where it is not below it.</summary>
        public string? Below(string group)
        {
            string top = Root.TrimEnd('/');
            return group.Split('/').Contains("..") || !(group + "/").StartsWith(top + "/", StringComparison.Ordinal) ? null : group[top.Length..];
        }
    }
}
