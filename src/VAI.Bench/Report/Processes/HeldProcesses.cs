namespace VAI.Bench.Report;

/// <summary>Processes of this program that each hold one model, all at once.</summary>
internal static class HeldProcesses
{
    // Room for one short session.
    private const string Cells = "512";

    /// <summary>Starts them, looks at their memory, and ends them.</summary>
    /// <exception cref="VaiEngineException">One of them ended without holding its model.</exception>
    public static async Task<IReadOnlyList<ProcessMemory>> MeasureAsync(
        ReportOptions options, bool own, string name, CancellationToken cancellation)
    {
        var processes = new List<HeldProgram>();
        try
        {
            // One after the other: several that load at once would only take each other's cores.
            for (int i = 0; i < options.Processes; i++)
            {
                processes.Add(await HeldProgram.StartAsync(
                    options.Hold([options.First.File], options.RomDirectory, [.. own ? (string[])["--own"] : [], "--ctx", Cells]), cancellation).ConfigureAwait(false));
            }

            return [.. processes.Select((p, i) => ProcessMemory.Read($"{name} {i + 1}", p.Id)).OfType<ProcessMemory>()];
        }
        finally
        {
            foreach (HeldProgram process in processes)
                await process.DisposeAsync().ConfigureAwait(false);
        }
    }
}
