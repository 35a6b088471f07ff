using System.Globalization;
using Microsoft.Extensions.Logging;
using Spectre.Console;
using Spectre.Console.Rendering;
using VAI.Remote;
using Line = Spectre.Console.Text;

namespace VAI.Cli.Verbs.Serving;

internal static class TopVerb
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly Option<bool> Once = new("--once") { Description = "Show it once and end." };

    public static Command Create()
    {
        var command = new Command("top", "Show the daemon's models and sessions once a second, until q or Ctrl+C. With --json, a document each time.")
        {
            Once, Daemon.Socket,
        };
        command.Does(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using ILoggerFactory? log = Common.Log(parsed);
        await using RemoteVai vai = Daemon.Connect(parsed, log);
        string socket = Daemon.SocketOf(parsed);
        bool json = parsed.GetValue(Common.Json), once = parsed.GetValue(Once);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            // The first one outside of the live display: an error is shown where it stays.
            PsDocument document = await PsVerb.AskAsync(vai, socket, ended.Token);
            if (once || json || Console.IsOutputRedirected)
            {
                using var timer = new PeriodicTimer(Interval);
                Print(document, json);
                while (!once && await timer.WaitForNextTickAsync(ended.Token))
                    Print(await PsVerb.AskAsync(vai, socket, ended.Token), json);
                return Failure.Ok;
            }

            EndOnKey(ended);
            await AnsiConsole.Live(Screen(document)).AutoClear(true).Overflow(VerticalOverflow.Ellipsis).StartAsync(async context =>
            {
                using var timer = new PeriodicTimer(Interval);
                while (await timer.WaitForNextTickAsync(ended.Token))
                    context.UpdateTarget(Screen(await PsVerb.AskAsync(vai, socket, ended.Token)));
            });
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The only way to end it is no failure.
        }

        return Failure.Ok;
    }

    private static void Print(PsDocument document, bool json)
    {
        if (json)
            Documents.Print(document, Documents.Default.PsDocument);
        else
            Console.Out.Write(PsTable.Plain(document));
    }

    private static Rows Screen(PsDocument document)
    {
        double rate = document.Sessions.Where(s => s.Running).Sum(s => s.TokensPerSecond);
        return new Rows(
            new Line(PsTable.Title(document)),
            new Line(string.Create(CultureInfo.InvariantCulture, $"{document.Sessions.Count(s => s.Running)} sessions running, {rate:F1} tok/s; q ends")),
            Laid(PsTable.ModelColumns, PsTable.Models(document)),
            Laid(PsTable.SessionColumns, PsTable.Sessions(document with { Sessions = [.. document.Sessions.OrderByDescending(s => s.Running)] })));
    }

    private static Table Laid(IEnumerable<string> columns, IEnumerable<string[]> rows)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        foreach (string column in columns)
            table.AddColumn(new TableColumn(new Line(column)));
        foreach (string[] row in rows)
            table.AddRow(row.Select(IRenderable (cell) => new Line(cell)));
        return table;
    }

    // A thread of its own, as the read cannot be cancelled; it does not keep the process.
    private static void EndOnKey(CancellationTokenSource ended)
    {
        if (Console.IsInputRedirected)
            return;
        var thread = new Thread(() =>
        {
            while (Console.ReadKey(intercept: true).KeyChar is not ('q' or 'Q'))
            {
            }

            try
            {
                ended.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It has ended by itself.
            }
        })
        {
            IsBackground = true,
        };
        thread.Start();
    }
}
