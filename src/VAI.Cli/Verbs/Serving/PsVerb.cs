using Microsoft.Extensions.Logging;
using VAI.Remote;

namespace VAI.Cli.Verbs.Serving;

internal static class PsVerb
{
    public static Command Create()
    {
        var command = new Command("ps", "Show the daemon's models and sessions.") { Daemon.Socket };
        command.Does(RunAsync);
        return command;
    }

    public static async Task<PsDocument> AskAsync(RemoteVai vai, string socket, CancellationToken cancellation) =>
        PsDocument.Of(socket, await vai.StatusAsync(cancellation), await vai.SessionsAsync(cancellation));

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using ILoggerFactory? log = Common.Log(parsed);
        await using RemoteVai vai = Daemon.Connect(parsed, log);
        PsDocument document = await AskAsync(vai, Daemon.SocketOf(parsed), cancellation);
        return Documents.Answer(parsed, document, Documents.Default.PsDocument, _ => Console.Out.Write(PsTable.Plain(document)));
    }
}
