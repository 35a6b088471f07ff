namespace VAI.Cli.Verbs;

/// <summary><c>vai verify</c> and <c>vai evict</c>.</summary>
internal static class RomVerbs
{
    private static readonly Argument<string> Name = Common.File("NAME", "The ROM's name, as 'vai status' shows it.");
    private static readonly Option<bool> Force = new("--force")
    {
        Description = "While processes are attached, refuse new ones and wait until the last one lets go.",
    };

    public static Command CreateVerify()
    {
        var command = new Command("verify", "Read a whole ROM and compare it with the digest that was taken when it was burned.")
        {
            Name, Common.RomDirectory,
        };
        command.Does(VerifyAsync);
        return command;
    }

    public static Command CreateEvict()
    {
        var command = new Command("evict", "Take a ROM's name away, and free its memory with the last name.")
        {
            Name, Force, Common.RomDirectory,
        };
        command.Does(EvictAsync);
        return command;
    }

    private static async Task<int> VerifyAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var catalog = RomCatalog.Open(Common.RomOptions(parsed));
        RomInfo rom = await Bar.RunAsync("verify", report => catalog.VerifyAsync(
            parsed.GetRequiredValue(Name), new Report<double>(f => report("reading", f)), cancellation));
        return Documents.Answer(
            parsed, new VerifyDocument(rom.Name, rom.Id, rom.Digest, rom.Bytes, true), Documents.Default.VerifyDocument,
            _ => Console.Out.WriteLine($"'{rom.Name}' is what was burned: {Format.Bytes(rom.Bytes)}, SHA-256 {rom.Digest}"));
    }

    private static async Task<int> EvictAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var catalog = RomCatalog.Open(Common.RomOptions(parsed));
        int told = 0;
        RomEviction evicted = await catalog.EvictAsync(
            parsed.GetRequiredValue(Name),
            parsed.GetValue(Force),
            new Report<int>(processes =>
            {
                if (processes != told)
                    Console.Error.WriteLine($"Waiting for {told = processes} attached model(s).");
            }),
            cancellation);
        if (parsed.GetValue(Common.Json))
            Documents.Print(new EvictDocument(evicted.Name, evicted.FreedBytes, evicted.KeptFor), Documents.Default.EvictDocument);
        else if (evicted.KeptFor is { } other)
            Console.Out.WriteLine($"'{evicted.Name}' is gone; its ROM stays, since it is also '{other}'.");
        else
            Console.Out.WriteLine($"Evicted '{evicted.Name}': {Format.Bytes(evicted.FreedBytes)} are free again.");
        return Failure.Ok;
    }
}
