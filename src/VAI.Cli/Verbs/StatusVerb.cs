using System.CommandLine;
using VAI.Cli.Output;

namespace VAI.Cli.Verbs;

internal static class StatusVerb
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly Option<bool> Watch = new("--watch")
    {
        Description = "Show it again every second, where it has changed, until Ctrl+C.",
    };

    public static Command Create()
    {
        var command = new Command("status", "Show what is burned and who uses it, read from shared memory alone.")
        {
            Watch, Common.RomDirectory,
        };
        command.Does(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string? directory = parsed.GetValue(Common.RomDirectory);
        bool json = parsed.GetValue(Common.Json);
        if (json || !parsed.GetValue(Watch))
        {
            Show(RomCatalog.ReadStatus(directory), json);
            return Failure.Ok;
        }

        string shown = "";
        using var timer = new PeriodicTimer(Interval);
        try
        {
            do
            {
                string table = StatusTable.Of(RomCatalog.ReadStatus(directory));
                if (table == shown)
                    continue;

                // Home, then each line with the rest of the old one erased, then what is below.
                Console.Out.Write(Console.IsOutputRedirected
                    ? table : "\e[H" + table.Replace("\n", "\e[K\n", StringComparison.Ordinal) + "\e[J");
                shown = table;
            }
            while (await timer.WaitForNextTickAsync(cancellation));
        }
        catch (OperationCanceledException)
        {
            // The only way to end a watch is no failure.
        }

        return Failure.Ok;
    }

    private static void Show(RomStatus status, bool json)
    {
        if (json)
            Documents.Print(Document(status), Documents.Default.StatusDocument);
        else
            Console.Out.Write(StatusTable.Of(status));
    }

    private static StatusDocument Document(RomStatus s) => new(
        s.Directory, s.OwnerPid, s.OwnerAlive, s.RomBytes, s.TotalBytes, s.FreeBytes,
        [.. s.Roms.Select(r => new RomBody(
            r.Name, r.Id, r.Digest, Format.Name(r.Condition), Format.Name(r.Profile), r.Packed, r.Note, r.Bytes, Format.Number(r.Burned),
            r.Architecture, r.VocabularySize, r.Layers, r.EmbeddingLength, r.TrainingContextLength, Format.Ms(r.BurnTime),
            r.BurnedAt.ToString("O"), Format.Ms(r.LoadTime), r.OnGpu, r.Attached, r.Sessions, r.TokensServed, r.OwnerPid, r.OwnerAlive))]);
}
