using System.Globalization;

namespace VAI.Bench.Report;

/// <summary>What one process has in memory (proc_pid_smaps(5)), in bytes.</summary>
/// <param name="Name">What it is called in the report.</param>
/// <param name="PrivateBytes">Resident pages that no other process maps.</param>
/// <param name="SharedBytes">Resident pages that others map too.</param>
/// <param name="ProportionalBytes">The private ones and its part of the shared ones: these add up to what all take.</param>
/// <param name="AnonymousBytes">Resident pages that are no file's, whoever maps them.</param>
internal sealed record ProcessMemory(string Name, long PrivateBytes, long SharedBytes, long ProportionalBytes, long AnonymousBytes)
{
    /// <summary>That of this process.</summary>
    public static ProcessMemory Own() => Read("self", Environment.ProcessId)!;

    /// <summary>Reads it; null if the process is gone or not ours to look at.</summary>
    public static ProcessMemory? Read(string name, int process)
    {
        try
        {
            string[][] fields =
            [
                .. File.ReadLines($"/proc/{process}/smaps_rollup").Skip(1).Select(l => l.Split(':', StringSplitOptions.TrimEntries)),
            ];
            return new ProcessMemory(name, Sum("Private_"), Sum("Shared_"), Sum("Pss"), Sum("Anonymous"));

            long Sum(string prefix) => fields
                .Where(f => prefix == "Pss" ? f[0] == prefix : f[0].StartsWith(prefix, StringComparison.Ordinal) && !f[0].EndsWith("Hugetlb", StringComparison.Ordinal))
                .Sum(f => long.Parse(f[1].Split(' ')[0], CultureInfo.InvariantCulture) * 1024);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
