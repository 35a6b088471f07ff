using Microsoft.Extensions.Logging;
using VAI.Bench;

namespace VAI.Cli.Verbs.Measuring;

internal static class BenchPipelineVerb
{
    private static readonly string[] Names = [.. Enum.GetNames<PipelineParts>().Except(["None", "All"]).Select(n => n.ToLowerInvariant())];
    private static readonly Argument<string> First = Common.File("A", "One model: a GGUF file, or the name of a ROM.");
    private static readonly Argument<string> Second = Common.File("B", "The other one.");
    private static readonly Option<int> Sessions =
        Common.Number("--sessions", "Sessions of each model at once.", PipelineBenchmarkOptions.DefaultSessions);

    private static readonly Option<int> Tokens =
        Common.Number("--tokens", "Tokens that each session generates.", PipelineBenchmarkOptions.DefaultTokens);

    private static readonly Option<int> Rounds =
        Common.Number("--rounds", "Pairs of each comparison.", PipelineBenchmarkOptions.DefaultRounds);

    private static readonly Option<int> Prompt =
        Common.Number("--prompt-tokens", "Tokens of a short prompt.", PipelineBenchmarkOptions.DefaultPromptTokens);

    private static readonly Option<int> LongPrompt =
        Common.Number("--long-tokens", "Tokens of a long prompt.", PipelineBenchmarkOptions.DefaultLongPromptTokens);

    private static readonly Option<int> LongRounds =
        Common.Number("--long-rounds", "Repeats of what takes a long prompt.", PipelineBenchmarkOptions.DefaultLongRounds);

    private static readonly Option<PipelineParts> Only = Parts("--only", "Measure these alone");
    private static readonly Option<PipelineParts> Skip = Parts("--skip", "Leave these out");

    public static Command Create()
    {
        var command = new Command("pipeline", "Measure two resident models: at once, in turn, with many sessions and with reused KV.")
        {
            First, Second, Sessions, Tokens, Rounds, Prompt, LongPrompt, LongRounds, Only, Skip, Common.GpuLayers, Common.Device, Common.Threads,
            Common.LoadProfile,
        };
        command.Does(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        (BenchModel first, BenchModel second) =
            BenchModel.FromFiles(parsed.GetRequiredValue(First), parsed.GetRequiredValue(Second));
        PipelineParts only = parsed.GetValue(Only);
        (IReadOnlyList<string>? devices, int? layers) = Common.Placement(parsed);
        var options = new PipelineBenchmarkOptions
        {
            First = first,
            Second = second,
            Parts = (only == PipelineParts.None ? PipelineParts.All : only) & ~parsed.GetValue(Skip),
            Sessions = parsed.GetValue(Sessions),
            Tokens = parsed.GetValue(Tokens),
            Rounds = parsed.GetValue(Rounds),
            PromptTokens = parsed.GetValue(Prompt),
            LongPromptTokens = parsed.GetValue(LongPrompt),
            LongRounds = parsed.GetValue(LongRounds),
            Threads = parsed.GetValue(Common.Threads),
            Devices = devices,
            GpuLayers = layers,
            Profile = parsed.GetValue(Common.LoadProfile),
            RomDirectory = parsed.GetValue(Common.RomDirectory),
        };
        using ILoggerFactory? log = Common.Log(parsed);
        PipelineBenchmarkResult result = await Bar.MeasureAsync("pipeline", report => PipelineBenchmark.RunAsync(options, log, report, cancellation));
        var document = PipelineDocument.Of(result);
        return Documents.Answer(parsed, document, Documents.Default.PipelineDocument, d => d.Print());
    }

    private static Option<PipelineParts> Parts(string name, string description) => new(name)
    {
        Description = $"{description}, with commas between them: {string.Join(", ", Names)}.",
        HelpName = "PARTS",
        CustomParser = result =>
        {
            PipelineParts parts = PipelineParts.None;
            foreach (string part in result.Tokens[0].Value.Split(','))
            {
                int at = Array.IndexOf(Names, part);
                if (at < 0)
                    result.AddError($"{name} names '{part}', but must name some of {string.Join(", ", Names)}.");
                else
                    parts |= Enum.Parse<PipelineParts>(part, ignoreCase: true);
            }

            return parts;
        },
    };
}
