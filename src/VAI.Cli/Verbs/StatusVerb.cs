namespace VAI.Cli.Verbs;

internal static class StatusVerb
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly Option<bool> Watch = new("--watch")
    {
        Description = "Show it again, once a second where it has changed, until Ctrl+C (exit code 0). With --json, a document each time.",
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
        bool watch = parsed.GetValue(Watch), inPlace = watch && !json && !Console.IsOutputRedirected;
        string shown = "";
        using var timer = new PeriodicTimer(Interval);
        try
        {
            do
            {
                RomStatus status = RomCatalog.ReadStatus(directory);
                string table = StatusTable.Of(status);
                if (table == shown)
                    continue;
                shown = table;
                if (json)
                    Documents.Print(Document(status), Documents.Default.StatusDocument);
                else
                    Console.Out.Write(inPlace ? InPlace(table) : table);
            }
            while (watch && await timer.WaitForNextTickAsync(cancellation));
        }
        catch (OperationCanceledException)
        {
            // The only way to end a watch is no failure.
        }

        return Failure.Ok;
    }

    // Home, then each line with the rest of the old one erased, then what is below.
    private static string InPlace(string table) => "\e[H" + table.Replace("\n", "\e[K\n", StringComparison.Ordinal) + "\e[J";

    private static StatusDocument Document(RomStatus s) => new(
        s.Directory, s.OwnerPid, s.OwnerAlive, s.RomBytes, s.TotalBytes, s.FreeBytes,
        [.. s.Roms.Select(r => new RomBody(
            r.Name, r.Id, r.Digest, Format.Name(r.Condition), Format.Name(r.Profile), r.Packed, r.Note, r.Bytes, Format.Number(r.Burned),
            r.Architecture, r.VocabularySize, r.Layers, r.EmbeddingLength, r.TrainingContextLength, Format.Ms(r.BurnTime),
            r.BurnedAt.ToString("O"), Format.Ms(r.LoadTime), r.OnGpu, r.Attached, r.Sessions, r.TokensServed, r.OwnerPid, r.OwnerAlive, r.OtherNames, r.Holders,
            r.HugePages, [.. r.OnDevices.Select(h => new DeviceHolderBody(h.Pid, h.Devices))]))]);
}
