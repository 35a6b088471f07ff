using VAI.Bench;
using VAI.Forge;

namespace VAI.Cli;

/// <summary>The two models of a report: the caller's, or two that are made for the time, with their ROMs.</summary>
internal sealed class ReportModels : IDisposable
{
    private readonly List<string> _made = [];

    private ReportModels((BenchModel First, BenchModel Second) models, string? roms) => (First, Second, RomDirectory) = (models.First, models.Second, roms);

    public BenchModel First { get; }

    public BenchModel Second { get; }

    public string? RomDirectory { get; }

    public static async Task<ReportModels> OfAsync(
        string? first, string? second, string? roms, Action<string, double> report, CancellationToken cancellation)
    {
        if (first is not null && second is not null)
            return new ReportModels(BenchModel.FromFiles(first, second), roms);
        string place = Directory.CreateTempSubdirectory("vai-report-").FullName;
        string made = roms ?? Path.Combine("/dev/shm", Path.GetFileName(place));
        var models = new ReportModels((new BenchModel("small-1", Path.Combine(place, "small-1.gguf")), new BenchModel("small-2", Path.Combine(place, "small-2.gguf"))), made);
        models._made.AddRange(roms is null ? [place, made] : [place]);
        try
        {
            for (ulong seed = 1; seed <= 2; seed++)
            {
                string name = $"forging small-{seed}";
                await ModelForge.ForgeAsync(
                    "small",
                    seed == 1 ? models.First.File : models.Second.File,
                    new ForgeOptions { Seed = seed },
                    new Output.Report<ForgeProgress>(p => report(name, (double)p.BytesWritten / Math.Max(1, p.TotalBytes))),
                    cancellation);
            }

            return models;
        }
        catch
        {
            models.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (string directory in _made.Where(Directory.Exists))
            Directory.Delete(directory, recursive: true);
    }
}
