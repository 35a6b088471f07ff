using Microsoft.Extensions.Logging;
using VAI.Bench;
using VAI.Bench.Report;
using VAI.Forge;

namespace VAI.Cli.Verbs.Measuring;

internal static class BenchReportVerb
{
    private static readonly Argument<string> Out = Common.File("OUT_DIR", "The directory for report.md and its plots.");
    private static readonly Argument<string?> First = Model("A.gguf", "One model; two small ones are made for the time if none is given.");
    private static readonly Argument<string?> Second = Model("B.gguf", "The other one.");
    private static readonly Option<string?> Peer =
        Common.Value<string?>("--peer", "URL", "A server that answers llama-server's API and has both files as models by their names, to be measured in turn.");

    private static readonly Option<string?> LlamaSharp =
        Common.Value<string?>("--llamasharp", "PATH", "benchmarks/VAI.Benchmarks.LLamaSharp, to be measured in turn: its project file, which is built first, or the program.");

    private static readonly Option<int> Rounds = Common.Number("--rounds", "Rounds of first tokens; the rest takes a half or a quarter of it.", ReportOptions.DefaultRounds);
    private static readonly Option<int> Processes = Common.Number("--processes", "Processes whose memory is compared.", ReportOptions.DefaultProcesses);
    private static readonly Option<bool> Quick = new("--quick") { Description = "See whether it works: two rounds of a few tokens. The figures mean nothing." };

    public static Command Create()
    {
        var command = new Command("report", "Measure everything, beside a peer if there is one, and write a report with plots.")
        {
            Out, First, Second, Peer, LlamaSharp, Rounds, Processes, Quick, Common.Threads,
        };
        command.Validators.Add(result =>
        {
            bool first = result.GetValue(First) is not null, second = result.GetValue(Second) is not null;
            if (first != second)
                result.AddError("Give two models, or none to have two made.");
            else if (!first && result.GetValue(Peer) is not null)
                result.AddError("--peer needs the two files that the peer has as models.");
        });
        command.Does(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        bool quick = parsed.GetValue(Quick);
        using ILoggerFactory? log = Common.Log(parsed);
        ReportFigures figures = await Bar.RunAsync("report", async report =>
        {
            using ReportModels models = await ReportModels.OfAsync(
                parsed.GetValue(First), parsed.GetValue(Second), parsed.GetValue(Common.RomDirectory), report, cancellation);
            var options = new ReportOptions
            {
                First = models.First,
                Second = models.Second,
                Directory = Path.GetFullPath(parsed.GetRequiredValue(Out)),
                Program = HoldVerb.Program(),
                Forge = (file, seed, token) => ModelForge.ForgeAsync("tiny", file, new ForgeOptions { Seed = seed }, null, token),
                LlamaSharp = parsed.GetValue(LlamaSharp) is { } sharp ? await LlamaSharpProgram.OfAsync(sharp, cancellation) : null,
                Peer = parsed.GetValue(Peer) is { } peer ? Url(peer) : null,
                Rounds = quick ? 2 : parsed.GetValue(Rounds),
                Tokens = quick ? 8 : ReportOptions.DefaultTokens,
                LongPromptTokens = quick ? 128 : PipelineBenchmarkOptions.DefaultLongPromptTokens,
                Processes = parsed.GetValue(Processes),
                Threads = parsed.GetValue(Common.Threads),
                RomDirectory = models.RomDirectory,
            };
            if (quick)
            {
                options = options with
                {
                    Window = TimeSpan.FromMilliseconds(100),
                    Idle = TimeSpan.FromMilliseconds(100),
                    Beside = [0, 1],
                    Quotas = [1],
                    Resident = [1, 3],
                };
            }

            return await new ReportRun(options, log, new Report<BenchProgress>(p => report(p.Phase, p.Fraction)), cancellation).RunAsync();
        });
        return Documents.Answer(parsed, figures, Documents.Default.ReportFigures, Print);
    }

    private static void Print(ReportFigures f)
    {
        foreach (SideFigures side in f.Sides)
        {
            Console.Out.WriteLine(
                $"{side.Name}: first token {side.StayMs.Median:F2} ms staying and {side.SwitchedMs.Median:F2} ms switched ({side.SwitchRatio.Median:F3}); "
                + $"both models at once {side.TogetherTps.Median:F1} tok/s, {side.TogetherRatio.Median:F3} of one after the other");
        }

        foreach (AttachFigures a in f.Attach)
            Console.Out.WriteLine($"{a.Model}: attach {a.AttachMs.Median:F1} ms, {a.Ratio:F1} times faster than llama.cpp's own load");
        foreach (BusyFigures b in f.Busy)
            Console.Out.WriteLine($"beside {b.Beside} busy: {b.TokensPerSecond:F1} tok/s, {b.Ratio:F3} of the best fixed number of threads{Peers(b.PeerTps)}");
        foreach (QuotaFigures q in f.Quotas)
            Console.Out.WriteLine($"{q.Cores} processors: {q.Skipped ?? $"{q.TokensPerSecond:F1} tok/s, {q.Ratio:F3} of the best fixed number of threads{Peers(q.PeerTps)}"}");
        foreach (ResidentFigures r in f.Resident)
            Console.Out.WriteLine($"{r.Models} resident: {Format.Bytes(r.PrivateBytes)}, select {r.SelectNs:F2} ns, status {r.StatusMs:F1} ms, idle {r.IdlePercent:F2} %");
        Format.Rows(
            ("two processes, one ROM", $"{f.TwoProcesses.TotalTps.Median:F1} tok/s, {f.TwoProcesses.LanesRatio.Median:F3} of two streams in turn, the smaller part {f.TwoProcesses.LeastShare.Median:F3}"),
            ("four processes, one ROM", $"{f.TwoProcesses.FourTps.Median:F1} tok/s, {f.TwoProcesses.FourRatio.Median:F3} of two streams in turn, the smallest part {f.TwoProcesses.FourLeastShare.Median:F3}"),
            ("a daemon's start", $"{f.ColdStart.HealthMs.Median:F0} ms, {f.ColdStart.FirstMs.Median:F0} ms to a first token"),
            ($"{f.Size.Processes} processes, one ROM", Format.Bytes(f.Memory.Attached.Sum(m => m.ProportionalBytes))),
            ("each its own load", Format.Bytes(f.Memory.Loaded.Sum(m => m.ProportionalBytes))),
            ("report", $"{f.Files[0]}, after {f.Seconds:F0} s"));
    }

    private static string Peers(IReadOnlyDictionary<string, double> tps) => string.Concat(tps.Select(p => $"; {p.Key} {p.Value:F1}"));

    private static Uri Url(string text) => Uri.TryCreate(text.EndsWith('/') ? text : text + "/", UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https"
        ? url
        : throw new VaiUsageException(VaiError.InvalidOption, $"--peer is '{text}', but must be a URL as http://127.0.0.1:8080.");

    private static Argument<string?> Model(string name, string description)
    {
        var argument = new Argument<string?>(name) { Description = description, Arity = ArgumentArity.ZeroOrOne };
        argument.Validators.Add(result =>
        {
            if (result.Tokens.Any(t => t.Value.Length == 0))
                result.AddError($"{name} is empty. Give the path of a file.");
        });
        return argument;
    }
}
