namespace VAI.Tests;

/// <summary>A control group with a limit of memory, of either version, where this process may make one: it is root's, in CI.</summary>
internal sealed class MemoryGroup : IDisposable
{
    private MemoryGroup(string path) => Path = path;

    public string Path { get; }

    /// <summary>A command that goes into the group and becomes what stands behind it.</summary>
    public string[] Into => ["/bin/sh", "-c", $"echo $$ > {Path}/cgroup.procs && exec \"$0\" \"$@\""];

    /// <summary>Null where there may be none.</summary>
    public static MemoryGroup? Make(int mebibytes)
    {
        foreach ((string top, string limit) in new[] { ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max") })
        {
            string path = $"{top}/vai-test-{Guid.NewGuid():n}";
            try
            {
                Directory.CreateDirectory(path);
                var group = new MemoryGroup(path);
                if (File.Exists($"{path}/{limit}"))
                {
                    File.WriteAllText($"{path}/{limit}", $"{(long)mebibytes << 20}");
                    return group;
                }

                group.Dispose();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Not here.
            }
        }

        return null;
    }

    public void Dispose() => Directory.Delete(Path);
}
