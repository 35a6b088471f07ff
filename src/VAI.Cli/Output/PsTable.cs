using System.Globalization;

namespace VAI.Cli.Output;

/// <summary>What <c>vai ps</c> and <c>vai top</c> show people: cells, to be laid out.</summary>
internal static class PsTable
{
    private const int IdLength = 12;

    public static IReadOnlyList<string> ModelColumns { get; } = ["MODEL", "STATE", "SESSIONS", "SRAM", "GENERATED"];

    public static IReadOnlyList<string> SessionColumns { get; } = ["SESSION", "MODEL", "TOKENS", "TOK/S", "STATE", "AGE"];

    public static string Title(PsDocument d) => string.Create(
        CultureInfo.InvariantCulture,
        $"vai {d.Version.Split('+')[0]}, process {d.ProcessId}{(d.WorkerId is { } worker ? $", worker {worker}" : "")}, up {Age(d.UptimeSeconds)}, "
        + $"{d.ActiveRequests} requests active, {d.QueuedRequests} waiting, {d.WorkerRestarts} restarts of the worker");

    public static IEnumerable<string[]> Models(PsDocument d) => d.Models.Select(m => new[]
    {
        Printable(m.Name),
        m.Quarantined ? "quarantined" : m.Loaded ? "loaded" : "not loaded",
        Number(m.OpenSessions),
        m.Loaded ? $"{m.SramUsed} of {m.SramTokens}" : "-",
        Number(m.GeneratedTokens),
    });

    public static IEnumerable<string[]> Sessions(PsDocument d) => d.Sessions.Select(s => new[]
    {
        Printable(s.Id.Length > IdLength ? s.Id[..IdLength] : s.Id),
        Printable(s.Model),
        Number(s.Tokens),
        s.TokensPerSecond.ToString("F1", CultureInfo.InvariantCulture),
        s.Running ? "running" : "idle",
        Age(s.AgeSeconds),
    });

    /// <summary>Both tables in plain text.</summary>
    public static string Plain(PsDocument d) =>
        $"{Title(d)}\n\n{Columns(ModelColumns, Models(d))}\n{Columns(SessionColumns, Sessions(d))}";

    private static string Columns(IReadOnlyList<string> heads, IEnumerable<string[]> cells)
    {
        IReadOnlyList<string>[] rows = [heads, .. cells];
        int[] widths = [.. heads.Select((_, i) => rows.Max(r => r[i].Length))];
        return string.Concat(rows.Select(r => string.Join("  ", r.Select((c, i) => c.PadRight(widths[i]))).TrimEnd() + "\n"));
    }

    private static string Age(double seconds)
    {
        var time = TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 1e9));
        return time switch
        {
            { TotalDays: >= 1 } => $"{(int)time.TotalDays}d{time.Hours}h",
            { TotalHours: >= 1 } => $"{time.Hours}h{time.Minutes}m",
            { TotalMinutes: >= 1 } => $"{time.Minutes}m{time.Seconds}s",
            _ => $"{time.Seconds}s",
        };
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    // Names come from clients: they are not to move the cursor.
    private static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
}
