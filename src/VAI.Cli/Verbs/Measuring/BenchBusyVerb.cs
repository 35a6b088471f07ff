using System.Globalization;
using Microsoft.Extensions.Logging;
using VAI.Bench;

namespace VAI.Cli.Verbs.Measuring;

internal static class BenchBusyVerb
{
    private static readonly Argument<string> Model = Common.File("MODEL", "The model: a GGUF file, or the name of a ROM.");
    private static readonly Option<int> Rounds = Common.Number("--rounds", "Measurements of each way in each row.", 5);
    private static readonly Option<int[]> Beside = new("--beside")
    {
        Description = "Busy threads beside it: a row each.",
        HelpName = "N",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [0, 1, 2],
    };

    public static Command Create()
    {
        var command = new Command("busy", "Measure decoding beside threads that use the cores for something else.")
        {
            Model, Beside, Rounds, Common.Threads, Common.LoadProfile,
        };
        command.Does(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string file = parsed.GetRequiredValue(Model);
        var options = new BusyBenchmarkOptions
        {
            Model = BenchModel.FromFiles(file, file).First,
            Beside = parsed.GetValue(Beside)!,
            Rounds = parsed.GetValue(Rounds),
            Threads = parsed.GetValue(Common.Threads),
            Profile = parsed.GetValue(Common.LoadProfile),
            RomDirectory = parsed.GetValue(Common.RomDirectory),
        };
        using ILoggerFactory? log = Common.Log(parsed);
        BusyBenchmarkResult r = await Bar.MeasureAsync("busy", report => BusyBenchmark.RunAsync(options, log, report, cancellation));
        var document = new BenchBusyDocument(
            [.. r.Rows.Select(row => new BenchBusyRow(
                row.Beside, Format.Number(row.TokensPerSecond), Format.Number(row.Ratio),
                row.Fixed.ToDictionary(f => f.Key.ToString(CultureInfo.InvariantCulture), f => Format.Number(f.Value))))],
            Format.Ms(r.Back));
        return Documents.Answer(parsed, document, Documents.Default.BenchBusyDocument, Print);
    }

    private static void Print(BenchBusyDocument d)
    {
        foreach (BenchBusyRow row in d.Rows)
        {
            Format.Rows(($"{row.Beside} beside", $"{row.Tps:F1} tok/s, {row.Ratio:F3} of the best fixed number ("
                + string.Join(", ", row.FixedTps.Select(f => $"{f.Key}: {f.Value:F1}")) + ")"));
        }

        Format.Rows(("back", $"nine tenths of full speed {d.BackMs:F0} ms after the last of them"));
    }
}
