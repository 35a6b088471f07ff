using System.Diagnostics;

namespace VAI.Bench.Report;

/// <summary>Few and many models resident in a process: what each takes. They are made for the time, with ROMs of their own.</summary>
internal sealed class ResidentModels(ReportOptions options, IProgress<BenchProgress>? progress, CancellationToken cancellation)
{
    private const int Selects = 3;

    public async Task<IReadOnlyList<ResidentFigures>> MeasureAsync(int statusRounds)
    {
        string files = Directory.CreateTempSubdirectory("vai-report-").FullName;
        var all = new List<Held>();
        try
        {
            Say("making models");
            string[] models = [.. Enumerable.Range(1, options.Resident.Max()).Select(i => Path.Combine(files, $"tiny-{i}.gguf"))];
            for (int i = 0; i < models.Length; i++)
                await options.Forge(models[i], (ulong)i + 1, cancellation).ConfigureAwait(false);
            foreach (int count in options.Resident)
            {
                Say($"{count} models");
                string own = Roms(count);
                IReadOnlyList<string> command = options.Hold(models[..count], own, options.ThreadsLine);

                // Burned by a process of its own: what burning leaves in the heap is not what a model takes.
                await (await HeldProgram.StartAsync(command, cancellation).ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
                all.Add(new Held(count, own, await HeldProgram.StartAsync(command, cancellation).ConfigureAwait(false)));
            }

            foreach (Held held in all)
                held.PrivateBytes = ProcessMemory.Read("held", held.Program.Id)?.AnonymousBytes ?? 0;
            await IdleAsync(all).ConfigureAwait(false);
            for (int i = 0; i < Selects; i++)
            {
                foreach (Held held in i % 2 == 0 ? all : Enumerable.Reverse(all))
                    held.Selects.Add(await held.Program.SelectAsync(cancellation).ConfigureAwait(false));
            }

            for (int i = 0; i < statusRounds; i++)
            {
                foreach (Held held in i % 2 == 0 ? all : Enumerable.Reverse(all))
                    held.Statuses.Add(await ChildProcess.RunAsync([.. options.Program, "status", "--rom-dir", held.Roms], cancellation).ConfigureAwait(false));
            }

            return [.. all.Select(h => new ResidentFigures(
                h.Count,
                h.PrivateBytes,
                h.Count > all[0].Count ? (h.PrivateBytes - all[0].PrivateBytes) / (h.Count - all[0].Count) : null,
                Math.Round(Statistics.Median(h.Selects), 2),
                Math.Round(Statistics.Median(h.Statuses).TotalMilliseconds, 2),
                Math.Round(h.IdlePercent, 3)))];
        }
        finally
        {
            foreach (Held held in all)
                await held.Program.DisposeAsync().ConfigureAwait(false);
            foreach (string directory in options.Resident.Select(Roms).Append(files).Where(Directory.Exists))
                Directory.Delete(directory, recursive: true);
        }
    }

    // All at once: those that are idle do not disturb each other.
    private async Task IdleAsync(List<Held> all)
    {
        Say("idle");
        await Task.Delay(options.Window, cancellation).ConfigureAwait(false);
        TimeSpan[] before = [.. all.Select(h => Used(h))];
        long start = Stopwatch.GetTimestamp();
        await Task.Delay(options.Idle, cancellation).ConfigureAwait(false);
        TimeSpan time = Stopwatch.GetElapsedTime(start);
        for (int i = 0; i < all.Count; i++)
            all[i].IdlePercent = 100 * ((Used(all[i]) - before[i]) / time);

        static TimeSpan Used(Held held)
        {
            using var process = Process.GetProcessById(held.Program.Id);
            return process.TotalProcessorTime;
        }
    }

    private string Roms(int count) => options.OwnRoms($"{count}");

    private void Say(string what) => progress?.Report(new BenchProgress($"resident models, {what}", 0));

    private sealed record Held(int Count, string Roms, HeldProgram Program)
    {
        public List<double> Selects { get; } = [];

        public List<TimeSpan> Statuses { get; } = [];

        public long PrivateBytes { get; set; }

        public double IdlePercent { get; set; }
    }
}
