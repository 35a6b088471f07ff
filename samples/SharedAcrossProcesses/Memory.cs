using System.Globalization;

namespace SharedAcrossProcesses;

/// <summary>What a process has in memory (proc_pid_smaps(5)), in MiB.</summary>
/// <param name="Private">Pages that no other process maps.</param>
/// <param name="Shared">Pages that others map too.</param>
/// <param name="Part">The private ones and its part of the shared ones; over all processes they add up.</param>
internal sealed record Memory(double Private, double Shared, double Part)
{
    public static Memory Of(int process)
    {
        string[][] fields =
            [.. File.ReadLines($"/proc/{process}/smaps_rollup").Skip(1).Select(l => l.Split([':', ' '], StringSplitOptions.RemoveEmptyEntries))];
        return new Memory(
            Sum("Private_Clean", "Private_Dirty"), Sum("Shared_Clean", "Shared_Dirty"), Sum("Pss"));

        double Sum(params string[] names) =>
            fields.Where(f => names.Contains(f[0])).Sum(f => double.Parse(f[1], CultureInfo.InvariantCulture)) / 1024;
    }
}
