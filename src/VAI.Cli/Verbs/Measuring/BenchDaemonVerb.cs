using Microsoft.Extensions.Logging;
using VAI.Bench;
using VAI.Remote;
using VAI.Remote.Wire;

namespace VAI.Cli.Verbs.Measuring;

internal static class BenchDaemonVerb
{
    private static readonly Argument<string> Model = Common.File("MODEL", "The model: a GGUF file, or the name of a ROM.");
    private static readonly Option<int> Rounds = Common.Number("--rounds", "Pairs of first tokens.", 30);
    private static readonly Option<int> Prompt = Common.Number("--prompt-tokens", "Tokens of a prompt.", 16);
    private static readonly Option<int> Streams = Common.Number("--streams", "Streams that are begun at once; of several their mean counts.", 1);
    private static readonly Option<int> Connections = Common.Number("--connections", "Idle connections to hold.", 1000);

    public static Command Create()
    {
        var command = new Command("daemon", "Measure what a running daemon costs against the engine in one's own process.")
        {
            Model, Daemon.Socket, Rounds, Prompt, Streams, Connections, Common.Threads,
        };
        command.Does(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string file = parsed.GetRequiredValue(Model);
        using ILoggerFactory? log = Common.Log(parsed);
        await using RemoteVai remote = Daemon.Connect(parsed, log);
        WireStatus status = await remote.StatusAsync(cancellation);
        VaiOptions engine = Common.RomOptions(parsed);
        engine.Threads = parsed.GetValue(Common.Threads);
        await using IVai local = Vai.Create(engine, log);
        var options = new DaemonBenchmarkOptions
        {
            Model = BenchModel.FromFiles(file, file).First,
            Socket = Daemon.SocketOf(parsed),
            ProcessId = status.ProcessId,
            Rounds = parsed.GetValue(Rounds),
            PromptTokens = parsed.GetValue(Prompt),
            Streams = parsed.GetValue(Streams),
            Connections = parsed.GetValue(Connections),
        };
        DaemonBenchmarkResult r = await Bar.MeasureAsync("daemon", report => DaemonBenchmark.RunAsync(local, remote, options, report, cancellation));
        var document = new BenchDaemonDocument(
            Format.Ms(r.LocalFirst), Format.Ms(r.RemoteFirst), Format.Ms(r.Overhead), Format.Ms(r.OverheadSpread), r.ConnectionBytes);
        return Documents.Answer(parsed, document, Documents.Default.BenchDaemonDocument, Print);
    }

    private static void Print(BenchDaemonDocument d) => Format.Rows(
        ("first token, own process", $"{d.LocalFirstMs:F2} ms"),
        ("first token, over the socket", $"{d.SocketFirstMs:F2} ms"),
        ("the socket's", $"{d.OverheadMs:F2} ms (interquartile range {d.OverheadIqrMs:F2} ms)"),
        ("an idle connection", d.ConnectionBytes is { } bytes ? Format.Bytes(bytes) : "not measured"));
}
