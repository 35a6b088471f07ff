using System.Globalization;

namespace VAI.Bench.Report;

/// <summary>The four plots of a report.</summary>
internal static class ReportPlots
{
    public const string First = "first-token";
    public const string Attach = "attach";
    public const string Throughput = "throughput";
    public const string Memory = "memory";

    private const double Mebibyte = 1024 * 1024;

    /// <summary>Draws them into a directory.</summary>
    /// <returns>The files' names.</returns>
    public static IReadOnlyList<string> Write(string directory, ReportFigures figures) =>
    [
        .. Plots.Write(directory, First, "First token: staying on a model, and right after a switch", "milliseconds, less is better", Firsts(figures)),
        .. Plots.Write(directory, Attach, "Attaching a ROM against llama.cpp's own load", "milliseconds, less is better", Attaches(figures)),
        .. Plots.Write(directory, Throughput, "Two models: one after the other, and both at once", "tokens per second in all, more is better", Speeds(figures)),
        .. Plots.Write(
            directory, Memory, $"Memory of processes that hold '{figures.Models[0].Name}'", "MiB resident", Memories(figures),
            ("private", "shared with other processes")),
    ];

    private static List<PlotBar> Firsts(ReportFigures figures)
    {
        var bars = new List<PlotBar>();
        foreach (SideFigures side in figures.Sides)
        {
            string color = Color(figures, side);
            bars.Add(Bar($"{side.Name}, staying", side.StayMs, "ms", color));
            bars.Add(Bar($"{side.Name}, switched", side.SwitchedMs, "ms", color));
        }

        bars.Insert(2, Bar("free and load again", figures.FreeAndLoadMs, "ms", Plots.Own));
        return bars;
    }

    private static List<PlotBar> Attaches(ReportFigures figures) =>
    [
        .. figures.Attach.SelectMany(a => (PlotBar[])
        [
            Bar($"{a.Model}, attach", a.AttachMs, "ms", Plots.Vai),
            Bar($"{a.Model}, load", a.LoadMs, "ms", Plots.Own),
        ]),
    ];

    private static List<PlotBar> Speeds(ReportFigures figures) =>
    [
        .. figures.Sides.SelectMany(s => (PlotBar[])
        [
            Bar($"{s.Name}, in turn", s.AloneTps, "tok/s", Color(figures, s)),
            Bar($"{s.Name}, at once", s.TogetherTps, "tok/s", Color(figures, s)),
        ]),
    ];

    private static List<PlotBar> Memories(ReportFigures figures) =>
    [
        .. figures.Memory.Attached.Select(m => Bar(m, Plots.Vai)),
        .. figures.Memory.Loaded.Select(m => Bar(m, Plots.Own)),
        .. figures.Memory.Peer.Select(m => Bar(m, Plots.Peer)),
    ];

    // The second one is VAI, too, over HTTP.
    private static string Color(ReportFigures figures, SideFigures side) => side == figures.Sides[0] || side == figures.Sides[1] ? Plots.Vai : Plots.Peer;

    private static PlotBar Bar(string label, Figure figure, string unit, string color) =>
        new(label, $"{Text(figure.Median)} {unit}", [figure.Median], color, figure);

    private static PlotBar Bar(ProcessMemory memory, string color) => new(
        memory.Name,
        $"{Text(memory.PrivateBytes / Mebibyte)} + {Text(memory.SharedBytes / Mebibyte)} MiB",
        [memory.PrivateBytes / Mebibyte, memory.SharedBytes / Mebibyte],
        color);

    /// <summary>Three digits, or as many as there are before the point.</summary>
    public static string Text(double value) =>
        value.ToString(Math.Abs(value) >= 100 ? "N0" : Math.Abs(value) >= 10 ? "F1" : "F2", CultureInfo.InvariantCulture);
}
