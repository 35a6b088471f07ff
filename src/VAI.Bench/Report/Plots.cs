using ScottPlot;
using SkiaSharp;

namespace VAI.Bench.Report;

/// <summary>One bar: its parts, what is written at its end, and the quartiles where there are some.</summary>
internal sealed record PlotBar(string Label, string Value, double[] Parts, string Color, Figure? Spread = null)
{
    public double Length => Parts.Sum();
}

/// <summary>The plots: horizontal bars from zero, in the order given, with their values written beside them.</summary>
internal static class Plots
{
    public const string Vai = "#1F5FA8";
    public const string Own = "#8A8F98";
    public const string Peer = "#D9772B";

    private const int Width = 900, RowHeight = 44, Frame = 130;
    private static readonly Color Dark = Color.FromHex("#444444");
    private static readonly string[] Preferred = ["DejaVu Sans", "Liberation Sans", "Noto Sans", "Arial", "Helvetica"];

    /// <summary>Writes one plot, as PNG and as SVG.</summary>
    /// <returns>The two names.</returns>
    public static IReadOnlyList<string> Write(
        string directory, string name, string title, string unit, IReadOnlyList<PlotBar> bars, (string Dark, string Light)? legend = null)
    {
        using var plot = new Plot();
        plot.Font.Set(Preferred.FirstOrDefault(f => SKFontManager.Default.FontFamilies.Contains(f)) ?? Fonts.Sans);
        double longest = Math.Max(bars.Max(b => Math.Max(b.Length, b.Spread?.UpperQuartile ?? 0)), 1e-9);
        for (int i = 0; i < bars.Count; i++)
            Draw(plot, bars[i], bars.Count - 1 - i, longest);
        plot.Axes.Left.SetTicks([.. bars.Select((_, i) => (double)(bars.Count - 1 - i))], [.. bars.Select(b => b.Label)]);
        plot.Axes.Left.TickLabelStyle.FontSize = 15;
        plot.Axes.Left.MajorTickStyle.Length = 0;
        plot.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericAutomatic { TickDensity = 0.4 };
        plot.Axes.Bottom.MinorTickStyle.Length = 0;
        plot.Axes.Bottom.TickLabelStyle.FontSize = 13;
        plot.Axes.Bottom.Label.FontSize = 15;
        plot.Axes.Bottom.Label.Bold = false;
        plot.Axes.Title.Label.FontSize = 19;
        plot.Axes.Right.IsVisible = plot.Axes.Top.IsVisible = false;
        plot.Grid.YAxisStyle.IsVisible = false;

        // Room for the values behind the bars.
        plot.Axes.SetLimits(0, longest * 1.28, -0.6, bars.Count - 0.4);
        plot.Title(title);
        plot.XLabel(unit);
        if (legend is { } names)
        {
            plot.Legend.ManualItems.Add(Item(names.Dark, Dark));
            plot.Legend.ManualItems.Add(Item(names.Light, Lightened(Dark)));
            plot.Legend.FontSize = 14;
            plot.Legend.OutlineColor = plot.Legend.ShadowColor = Colors.Transparent;
            plot.ShowLegend(Edge.Bottom);
        }

        int height = Frame + (bars.Count * RowHeight) + (legend is null ? 0 : 40);
        plot.SavePng(Path.Combine(directory, name + ".png"), Width, height);
        plot.SaveSvg(Path.Combine(directory, name + ".svg"), Width, height);
        return [name + ".png", name + ".svg"];
    }

    // Opaque: the grid is not to show through.
    private static Color Lightened(Color color) => color.InterpolateRgb(Colors.White, 0.65);

    private static LegendItem Item(string label, Color color) => new()
    {
        LabelText = label,
        FillColor = color,
        LineColor = Colors.Transparent,
        OutlineColor = Colors.Transparent,
    };

    private static void Draw(Plot plot, PlotBar bar, double at, double longest)
    {
        double from = 0;
        for (int part = 0; part < bar.Parts.Length; part++)
        {
            plot.Add.Bar(new Bar
            {
                Position = at,
                ValueBase = from,
                Value = from += bar.Parts[part],
                Size = 0.62,
                FillColor = part == 0 ? Color.FromHex(bar.Color) : Lightened(Color.FromHex(bar.Color)),
                LineWidth = 0,
                Orientation = Orientation.Horizontal,
            });
        }

        double end = bar.Length;
        if (bar.Spread is { } spread && spread.UpperQuartile > spread.LowerQuartile)
        {
            var line = plot.Add.Line(spread.LowerQuartile, at, spread.UpperQuartile, at);
            line.LineWidth = 2.5f;
            line.LineColor = Colors.Black;
            line.MarkerSize = 0;
            end = Math.Max(end, spread.UpperQuartile);
        }

        var text = plot.Add.Text(bar.Value, end + (longest * 0.012), at);
        text.LabelFontSize = 15;
        text.LabelAlignment = Alignment.MiddleLeft;
    }
}
