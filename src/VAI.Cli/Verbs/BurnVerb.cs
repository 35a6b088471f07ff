namespace VAI.Cli.Verbs;

internal static class BurnVerb
{
    private static readonly Argument<string> Model = Common.File("MODEL.gguf", "The model.");
    private static readonly Option<string?> Name =
        Common.Value<string?>("--name", "NAME", "The name it goes by; the file's own if not given. A name of another model is taken from it.");

    public static Command Create()
    {
        var command = new Command("burn", "Burn a model into a ROM, which every process attaches in milliseconds until it is evicted.")
        {
            Model, Name, Common.RomProfile, Common.RomDirectory,
        };
        command.Does(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var catalog = RomCatalog.Open(Common.RomOptions(parsed));
        RomBurnResult result = await Bar.RunAsync("burn", report => catalog.BurnAsync(
            parsed.GetRequiredValue(Model),
            parsed.GetValue(Name),
            parsed.GetValue(Common.RomProfile),
            new Report<RomBurnProgress>(p => report(Describe(p), p.Fraction)),
            cancellation));
        RomInfo rom = result.Rom;
        if (parsed.GetValue(Common.Json))
        {
            Documents.Print(
                new BurnDocument(
                    rom.Name, rom.Id, rom.Digest, Format.Name(rom.Profile), rom.Packed, rom.Note, rom.Bytes, result.Burned,
                    Format.Ms(rom.BurnTime), catalog.Directory),
                Documents.Default.BurnDocument);
            return Failure.Ok;
        }

        string layout = rom.Packed ? "packed" : rom.Note.Length > 0 ? $"plain: {rom.Note}" : "plain";
        Console.Out.WriteLine(result.Burned
            ? $"Burned '{rom.Name}' in {rom.BurnTime.TotalSeconds:F1} s: {Format.Bytes(rom.Bytes)}, {layout}, {rom.Id} in {catalog.Directory}"
            : $"'{rom.Name}' was burned already: {Format.Bytes(rom.Bytes)}, {layout}, {rom.Id} in {catalog.Directory}");
        return Failure.Ok;
    }

    private static string Describe(RomBurnProgress p) =>
        p.TimeLeft is { } left ? $"{Format.Name(p.Phase)}, {left.TotalSeconds:F0} s left" : Format.Name(p.Phase);
}
