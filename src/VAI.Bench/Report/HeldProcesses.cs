using System.Diagnostics;

namespace VAI.Bench.Report;

/// <summary>Processes of this program that each hold one model, all at once.</summary>
internal static class HeldProcesses
{
    /// <summary>Starts them, looks at their memory, and ends them.</summary>
    /// <exception cref="VaiEngineException">One of them ended without holding its model.</exception>
    public static async Task<IReadOnlyList<ProcessMemory>> MeasureAsync(
        ReportOptions options, bool own, string name, CancellationToken cancellation)
    {
        var processes = new List<Process>();
        try
        {
            // One after the other: several that load at once would only take each other's cores.
            for (int i = 0; i < options.Processes; i++)
            {
                Process process = Start(options, own);
                processes.Add(process);
                string? said = await process.StandardOutput.ReadLineAsync(cancellation).ConfigureAwait(false);
                if (said != Holder.Ready)
                    throw await FailedAsync(process, cancellation).ConfigureAwait(false);
            }

            return [.. processes.Select((p, i) => ProcessMemory.Read($"{name} {i + 1}", p.Id)).OfType<ProcessMemory>()];
        }
        finally
        {
            foreach (Process process in processes)
            {
                if (!process.HasExited)
                    process.Kill();
                await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
                process.Dispose();
            }
        }
    }

    private static Process Start(ReportOptions options, bool own)
    {
        var start = new ProcessStartInfo(options.Holder[0])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] arguments =
        [
            .. options.Holder.Skip(1), options.First.File,
            .. own ? (string[])["--own"] : [],
            .. options.RomDirectory is { } roms ? (string[])["--rom-dir", roms] : [],
        ];
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    private static async Task<VaiEngineException> FailedAsync(Process process, CancellationToken cancellation)
    {
        string error = await process.StandardError.ReadToEndAsync(cancellation).ConfigureAwait(false);
        return new VaiEngineException(VaiError.NativeFailure, $"A process that was to hold the model ended: {error.Trim()}");
    }
}
