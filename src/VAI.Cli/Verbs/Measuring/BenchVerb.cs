using Microsoft.Extensions.Logging;
using VAI.Bench;

namespace VAI.Cli.Verbs.Measuring;

internal static class BenchVerb
{
    private static readonly Argument<string> First = Common.File("A.gguf", "One model.");
    private static readonly Argument<string> Second = Common.File("B.gguf", "The other one.");
    private static readonly Argument<string> File = Common.File("FILE.gguf", "The model; it is burned if it is not yet.");
    private static readonly Option<int> Loads = Common.Number("--loads", "How often each load is timed.", 3);
    private static readonly Option<int> AttachRounds = Common.Number("--rounds", "Pairs of prefill and decode.", 8);
    private static readonly Option<int> Prompt = Common.Number("--prompt", "Tokens of a prompt.", 64);
    private static readonly Option<int> Decode = Common.Number("--decode", "Tokens to decode after it.", 16);
    private static readonly Option<int> Rounds =
        Common.Number("--rounds", "Rounds of four requests.", SwitchBenchmarkOptions.DefaultRounds);

    private static readonly Option<int> Tokens =
        Common.Number("--tokens", "Tokens to generate in each request.", SwitchBenchmarkOptions.DefaultTokensPerResponse);

    public static Command Create()
    {
        var command = new Command("switch", "Measure what switching between two resident models costs.")
        {
            First, Second, Rounds, Tokens, Common.GpuLayers, Common.Device, Common.Threads, Common.Context, Common.LoadProfile,
        };
        command.Does(SwitchAsync);
        var attach = new Command("attach", "Measure what attaching a ROM costs against llama.cpp's own load of the file.")
        {
            File, Loads, AttachRounds, Prompt, Decode, Common.Threads,
        };
        attach.Does(AttachAsync);
        return new Command("bench", "Measure.") { command, attach, BenchPipelineVerb.Create(), BenchDaemonVerb.Create(), BenchBusyVerb.Create(), BenchReportVerb.Create(), Common.RomDirectory };
    }

    private static async Task<int> AttachAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var options = new AttachBenchmarkOptions
        {
            File = parsed.GetRequiredValue(File),
            Loads = parsed.GetValue(Loads),
            Rounds = parsed.GetValue(AttachRounds),
            PromptTokens = parsed.GetValue(Prompt),
            DecodeTokens = parsed.GetValue(Decode),
            Threads = parsed.GetValue(Common.Threads),
            RomDirectory = parsed.GetValue(Common.RomDirectory),
        };
        using ILoggerFactory? log = Common.Log(parsed);
        AttachBenchmarkResult r = await Bar.MeasureAsync("attach", report => AttachBenchmark.RunAsync(options, log, report, cancellation));
        var document = new AttachDocument(
            Format.Ms(r.Load), Format.Ms(r.Attach), Format.Number(r.Ratio), Format.Number(r.PrefillRatio), Format.Number(r.DecodeRatio),
            r.PrivateBytes, r.LoadPrivateBytes, r.RomBytes, r.FileBytes, r.Packed, r.SameTokens, Format.Ms(r.Sram), r.SramTokens,
            Format.Number(r.PrefillTokensPerSecond), Format.Number(r.DecodeTokensPerSecond));
        return Documents.Answer(parsed, document, Documents.Default.AttachDocument, Print);
    }

    private static void Print(AttachDocument d) => Format.Rows(
        ("llama.cpp's own load", $"{d.LoadMs:F0} ms, {Format.Bytes(d.LoadPrivateBytes)} of this process alone"),
        ("attach", $"{d.AttachMs:F1} ms, {Format.Bytes(d.PrivateBytes)} of this process alone; {d.Ratio:F0} times faster"),
        ("on top of either", $"{d.SramMs:F0} ms to clear a SRAM bank of {d.SramTokens} tokens"),
        ("prefill from the ROM", $"{d.PrefillTps:F1} tok/s, {d.PrefillRatio:F3} of the own load's"),
        ("decode from the ROM", $"{d.DecodeTps:F1} tok/s, {d.DecodeRatio:F3} of the own load's"),
        ("tokens", d.TokensIdentical ? "identical" : "DIFFERENT"),
        ("ROM", $"{Format.Bytes(d.RomBytes)} for a file of {Format.Bytes(d.FileBytes)}, {(d.Packed ? "packed" : "plain")}"));

    private static async Task<int> SwitchAsync(ParseResult parsed, CancellationToken cancellation)
    {
        (BenchModel first, BenchModel second) =
            BenchModel.FromFiles(parsed.GetRequiredValue(First), parsed.GetRequiredValue(Second));
        (IReadOnlyList<string>? devices, int? layers) = Common.Placement(parsed);
        var options = new SwitchBenchmarkOptions
        {
            First = first,
            Second = second,
            Rounds = parsed.GetValue(Rounds),
            TokensPerResponse = parsed.GetValue(Tokens),
            Devices = devices,
            GpuLayers = layers,
            Threads = parsed.GetValue(Common.Threads),
            ContextLength = parsed.GetValue(Common.Context),
            Profile = parsed.GetValue(Common.LoadProfile),
            RomDirectory = parsed.GetValue(Common.RomDirectory),
        };
        using ILoggerFactory? log = Common.Log(parsed);
        SwitchBenchmarkResult result = await Bar.MeasureAsync("switch", report => SwitchBenchmark.RunAsync(options, log, report, cancellation));
        SwitchDocument document = Document(result);
        return Documents.Answer(parsed, document, Documents.Default.SwitchDocument, Print);
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
