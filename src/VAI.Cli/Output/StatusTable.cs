using System.Globalization;
using System.Text;

namespace VAI.Cli.Output;

/// <summary>The box of <c>vai status</c>. Sizes are in decimal units.</summary>
internal static class StatusTable
{
    private const string Title = " VAI ROM STATUS ";
    private const int Width = 66;
    private const int LongestPath = 40;
    private const int MostHolders = 8;

    public static string Of(RomStatus s)
    {
        int burning = s.Roms.Count(r => r.Condition == RomCondition.Burning);
        var lines = new List<string>
        {
            $"Owner PID : {Owner(s.OwnerPid, s.OwnerAlive),-18}ROM directory : {Shorten(Printable(s.Directory))} {Size(s.RomBytes, s.TotalBytes)}",
            $"Models    : {s.Roms.Count - burning} resident, {burning} burning",
        };
        for (int i = 0; i < s.Roms.Count; i++)
            lines.AddRange(Lines(i + 1, s.Roms[i]));
        int width = Math.Max(Width, lines.Max(l => l.Length) + 2);
        var box = new StringBuilder();
        box.Append("+-").Append(Title.PadRight(width - 1, '-')).Append("+\n");
        foreach (string line in lines)
            box.Append("| ").Append(line.PadRight(width - 2)).Append(" |\n");
        return box.Append('+').Append('-', width).Append("+\n").ToString();
    }

    private static IEnumerable<string> Lines(int number, RomInfo r)
    {
        string state = r.Condition == RomCondition.Evicting ? $"Evicting by {Owner(r.OwnerPid, r.OwnerAlive)}" : "Loaded: Y";
        string attach = r.LoadTime > TimeSpan.Zero ? $"{r.LoadTime.TotalMilliseconds:F0} ms" : "-";
        string head = $"{number}. ";
        string rest = new(' ', head.Length);
        string name = Printable(r.Name);
        if (r.Condition == RomCondition.Burning)
        {
            // The model's numbers come with the image. One whose burner is gone is removed by the next process that burns or loads.
            yield return $"{head}{name,-22} Loaded: N  Burning: {r.Burned * 100:F0} % by {Owner(r.OwnerPid, r.OwnerAlive)}";
            yield return $"{rest}Profile: {Format.Name(r.Profile)}  {Megabytes(r.Bytes)}";
            yield break;
        }

        yield return $"{head}{name,-22} {state}  GPU: {Gpu(r)}  Attach: {attach}  Packed: {YesNo(r.Packed)}";
        yield return $"{rest}Vocab: {r.VocabularySize}  Layers: {r.Layers}  Embd: {r.EmbeddingLength}   Sessions: {r.Sessions}  {Megabytes(r.Bytes)}{Huge(r)}";
        if (r.OtherNames.Count > 0)
            yield return $"{rest}Also: {string.Join(", ", r.OtherNames.Select(Printable))}";
        if (r.Attached > 0)
            yield return $"{rest}Attached: {r.Attached}{Holders(r)}";
        if (r.Note.Length > 0)
            yield return $"{rest}{Printable(r.Note)}";
    }

    // Who has it under this name; the rest has it under another, or is another user's.
    private static string Holders(RomInfo r) =>
        r.Holders.Count == 0 ? "" : $"  By this name: {Pids([.. r.Holders.Distinct()])}";

    // Which device has it, and whose it is: by device, since a process may have it on several.
    private static string Gpu(RomInfo r) => r.OnGpu
        ? $"Y ({string.Join("; ", r.OnDevices.SelectMany(h => h.Devices, (h, d) => (Device: d, h.Pid)).GroupBy(p => p.Device, p => p.Pid).Select(g => $"{g.Key}: {Pids([.. g])}"))})"
        : "N";

    private static string Pids(IReadOnlyCollection<int> pids) => $"{string.Join(", ", pids.Take(MostHolders))}{(pids.Count > MostHolders ? ", ..." : "")}";

    private static string Owner(int pid, bool alive) => pid == 0 ? "none" : $"{pid} ({(alive ? "alive" : "gone")})";

    // Names come from whoever burned: they are not to move the cursor or break the box.
    private static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));

    private static string Huge(RomInfo r) =>
        r.HugePages is { } part ? string.Create(CultureInfo.InvariantCulture, $"  Huge: {Math.Floor(part * 100):F0} %") : "";

    private static string YesNo(bool value) => value ? "Y" : "N";

    private static string Shorten(string path) => path.Length <= LongestPath ? path : "..." + path[^(LongestPath - 3)..];

    private static string Size(long used, long total) =>
        string.Create(CultureInfo.InvariantCulture, $"{used / 1e9:F1} of {total / 1e9:F1} GB");

    private static string Megabytes(long bytes) =>
        bytes < 10_000_000 ? $"{bytes / 1e6:F1} MB" : $"{bytes / 1e6:F0} MB";
}
