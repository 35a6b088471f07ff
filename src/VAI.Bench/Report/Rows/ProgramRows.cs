namespace VAI.Bench.Report;

/// <summary>VAI and LLamaSharp, each a process of its own that loads the first model, answers, and ends; in turn.</summary>
internal static class ProgramRows
{
    public const string LlamaSharp = "LLamaSharp";

    // Room for a long session, as LLamaSharp is asked for.
    private const string Cells = "2048";

    public static async Task<IReadOnlyList<ProgramFigures>> MeasureAsync(ReportOptions options, int rounds, CancellationToken cancellation)
    {
        (string Name, IReadOnlyList<string> Command, List<(HeldModel Said, double StartMs)> Taken)[] programs =
        [
            ("VAI", options.Hold([options.First.File], options.RomDirectory, ["--ctx", Cells, "--tokens", $"{options.Tokens}", .. options.ThreadsLine]), []),
            .. options.LlamaSharp is null ? ((string, IReadOnlyList<string>, List<(HeldModel, double)>)[])[] : [(LlamaSharp, options.HoldLlamaSharp(), [])],
        ];
        for (int round = 0; round < rounds; round++)
        {
            foreach ((_, IReadOnlyList<string> command, List<(HeldModel, double)> taken) in round % 2 == 0 ? programs : programs.Reverse())
            {
                await using HeldProgram held = await HeldProgram.StartAsync(command, cancellation).ConfigureAwait(false);
                taken.Add((held.Model, held.StartMs));
            }
        }

        return [.. programs.Select(p => new ProgramFigures(
            p.Name,
            Figure.Of(p.Taken.Select(t => t.Said.LoadMs)),
            Figure.Of(p.Taken.Select(t => t.StartMs)),
            Figure.Of(p.Taken.Select(t => t.Said.FirstMs)),
            Figure.Of(p.Taken.Select(t => t.Said.TokensPerSecond)),
            Figure.Of(p.Taken.Select(t => (double)t.Said.PrivateBytes))))];
    }
}
