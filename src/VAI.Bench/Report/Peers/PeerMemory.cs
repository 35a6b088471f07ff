using System.Globalization;

namespace VAI.Bench.Report;

/// <summary>Finds the processes of a server on this machine by the port it listens on.</summary>
internal static class PeerMemory
{
    private const string Listening = "0A";

    /// <summary>The memory of the process that listens, and of those it started; none if it runs elsewhere or is not ours to look at.</summary>
    public static IReadOnlyList<ProcessMemory> Read(Uri url, string name)
    {
        if (!url.IsLoopback || Listener(url.Port) is not { } listener)
            return [];
        Dictionary<int, int> parents = Parents();
        List<int> family = [listener];
        for (int i = 0; i < family.Count; i++)
            family.AddRange(parents.Where(p => p.Value == family[i]).Select(p => p.Key).Order());
        return [.. family.Select((id, i) => ProcessMemory.Read($"{name} {i + 1}", id)).OfType<ProcessMemory>()];
    }

    private static int? Listener(int port)
    {
        string ending = ":" + port.ToString("X4", CultureInfo.InvariantCulture);
        HashSet<string> sockets =
        [
            .. new[] { "/proc/net/tcp", "/proc/net/tcp6" }.Where(File.Exists).SelectMany(File.ReadLines)
                .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Where(f => f.Length > 9 && f[1].EndsWith(ending, StringComparison.Ordinal) && f[3] == Listening)
                .Select(f => $"socket:[{f[9]}]"),
        ];
        foreach (int process in Processes().Order())
        {
            try
            {
                if (Directory.EnumerateFiles($"/proc/{process}/fd").Any(f => new FileInfo(f).LinkTarget is { } target && sockets.Contains(target)))
                    return process;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Gone meanwhile, or somebody else's.
            }
        }

        return null;
    }

    private static Dictionary<int, int> Parents()
    {
        var parents = new Dictionary<int, int>();
        foreach (int process in Processes())
        {
            try
            {
                // The name before it is in brackets and may hold anything (proc_pid_stat(5)).
                string stat = File.ReadAllText($"/proc/{process}/stat");
                parents[process] = int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
            }
            catch (IOException)
            {
                // Gone meanwhile.
            }
        }

        return parents;
    }

    private static IEnumerable<int> Processes() => Directory.EnumerateDirectories("/proc")
        .Select(d => int.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out int id) ? id : 0)
        .Where(id => id > 0);
}
