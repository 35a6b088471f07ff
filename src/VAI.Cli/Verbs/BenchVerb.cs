using System.CommandLine;
using Microsoft.Extensions.Logging;
using VAI.Bench;
using VAI.Cli.Output;

namespace VAI.Cli.Verbs;

internal static class BenchVerb
{
    private static readonly Argument<string> First = Common.File("A.gguf", "One model.");
    private static readonly Argument<string> Second = Common.File("B.gguf", "The other one.");
    private static readonly Option<int> Rounds = new("--rounds")
    {
        Description = "Rounds of four requests.",
        HelpName = "N",
        DefaultValueFactory = _ => SwitchBenchmarkOptions.DefaultRounds,
    };

    private static readonly Option<int> Tokens = new("--tokens")
    {
        Description = "Tokens to generate in each request.",
        HelpName = "N",
        DefaultValueFactory = _ => SwitchBenchmarkOptions.DefaultTokensPerResponse,
    };

    public static Command Create()
    {
        var command = new Command("switch", "Measure what switching between two resident models costs.")
        {
            First, Second, Rounds, Tokens, Common.GpuLayers, Common.Threads, Common.Context,
        };
        command.Does(SwitchAsync);
        return new Command("bench", "Measure.") { command };
    }

    private static async Task<int> SwitchAsync(ParseResult parsed, CancellationToken cancellation)
    {
        (BenchModel first, BenchModel second) =
            BenchModel.FromFiles(parsed.GetRequiredValue(First), parsed.GetRequiredValue(Second));
        var options = new SwitchBenchmarkOptions
        {
            First = first,
            Second = second,
            Rounds = parsed.GetValue(Rounds),
            TokensPerResponse = parsed.GetValue(Tokens),
            GpuLayers = parsed.GetValue(Common.GpuLayers),
            Threads = parsed.GetValue(Common.Threads),
            ContextLength = parsed.GetValue(Common.Context),
        };
        using ILoggerFactory? log = Common.Log(parsed);
        SwitchBenchmarkResult result = await Bar.RunAsync("switch", report => SwitchBenchmark.RunAsync(
            options, log, new Report<BenchProgress>(p => report(p.Phase, p.Fraction)), cancellation));
        SwitchDocument document = Document(result);
        if (parsed.GetValue(Common.Json))
            Documents.Print(document, Documents.Default.SwitchDocument);
        else
            Print(document);
        return Failure.Ok;
    }

    private static SwitchDocument Document(SwitchBenchmarkResult r) => new(
        [.. r.Models.Select(m => new SwitchModelBody(
            m.Name, Format.Ms(m.LoadTime), Format.Ms(m.StayFirst), Format.Ms(m.SwitchedFirst), Format.Number(m.TokensPerSecond)))],
        Format.Number(r.SelectNanoseconds),
        Format.Ms(r.SwitchOverhead),
        Format.Ms(r.SwitchOverheadSpread),
        Format.Number(r.SwitchRatio),
        Format.Ms(r.TraditionalSwitch));

    private static void Print(SwitchDocument d)
    {
        foreach (SwitchModelBody m in d.Models)
        {
            Console.Out.WriteLine(
                $"{m.Name}: load {m.LoadMs:F0} ms, first token {m.StayFirstMs:F2} ms staying and {m.SwitchedFirstMs:F2} ms "
                + $"switched, {m.TokensPerSecond:F1} tok/s");
        }

        Format.Rows(
            ("select", $"{d.SelectNs:F1} ns"),
            ("switch overhead", $"{d.SwitchOverheadMs:F3} ms (interquartile range {d.SwitchOverheadIqrMs:F3} ms)"),
            ("switched / staying", $"{d.SwitchRatio:F3}"),
            ("traditional switch", $"{d.TraditionalSwitchMs:F1} ms (free, load again, first token)"));
    }
}
