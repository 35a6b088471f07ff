using Microsoft.Extensions.Logging;
using VAI.Bench.Parts;
using VAI.OptionRules;
using VAI.Residency;

namespace VAI.Bench;

/// <summary>What <see cref="BusyBenchmark"/> measures, and how long.</summary>
public sealed record BusyBenchmarkOptions
{
    /// <summary>The model.</summary>
    public required BenchModel Model { get; init; }

    /// <summary>How many threads are kept busy beside it, for each row: 0 to 1,024.</summary>
    public IReadOnlyList<int> Beside { get; init; } = [0, 1, 2];

    /// <summary>Measurements of each way in each row, 1 to 1,000.</summary>
    public int Rounds { get; init; } = 5;

    /// <summary>How long each takes, 0.1 to 60 s.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(1.5);

    /// <summary>As <see cref="VaiOptions.Threads"/>: the most that are tried.</summary>
    public int? Threads { get; init; }

    /// <summary>As <see cref="ModelOptions.Profile"/>.</summary>
    public RomProfile Profile { get; init; } = RomProfile.Fast;

    /// <summary>As <see cref="VaiOptions.RomDirectory"/>.</summary>
    public string? RomDirectory { get; init; }

    /// <summary>What is measured in turn with VAI, by name.</summary>
    internal IReadOnlyDictionary<string, IDecoding> Others { get; init; } = new Dictionary<string, IDecoding>();

    internal void Check()
    {
        OptionCheck.Range(Rounds, 1, 1000, nameof(Rounds));
        if (Window < TimeSpan.FromSeconds(0.1) || Window > TimeSpan.FromMinutes(1))
            throw OptionCheck.Invalid($"{nameof(Window)} is {Window.TotalSeconds} s. Use 0.1 to 60 s.");
        foreach (int beside in Beside)
            OptionCheck.Range(beside, 0, 1024, nameof(Beside));
    }
}

/// <summary>Tokens a second with so many busy threads beside them; medians.</summary>
/// <param name="Beside">Busy threads.</param>
/// <param name="TokensPerSecond">With as many compute threads as VAI finds cores for.</param>
/// <param name="Fixed">With a fixed number, by number.</param>
/// <param name="Ratio">The median, over the rounds, of the first against the best fixed number of the row.</param>
public sealed record BusyRow(int Beside, double TokensPerSecond, IReadOnlyDictionary<int, double> Fixed, double Ratio)
{
    /// <summary>Those of <see cref="BusyBenchmarkOptions.Others"/>.</summary>
    internal IReadOnlyDictionary<string, double> Others { get; init; } = new Dictionary<string, double>();
}

/// <summary>What was measured.</summary>
/// <param name="Rows">By busy threads.</param>
/// <param name="Back">From the end of the last busy thread to nine tenths of full speed, median.</param>
public sealed record BusyBenchmarkResult(IReadOnlyList<BusyRow> Rows, TimeSpan Back);

/// <summary>Measures decoding beside threads that use the cores for something else.</summary>
public static class BusyBenchmark
{
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    /// <summary>Runs it, on an engine for each way, which are gone afterwards.</summary>
    /// <param name="options">What to measure.</param>
    /// <param name="loggerFactory">Where VAI and llama.cpp log to; null for nowhere.</param>
    /// <param name="progress">Told of each step; may be called from any thread.</param>
    /// <param name="cancellationToken">Stops the benchmark at the next token.</param>
    /// <returns>What was measured.</returns>
    /// <exception cref="VaiException">An option is out of range, or the model cannot be loaded or run.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task<BusyBenchmarkResult> RunAsync(
        BusyBenchmarkOptions options, ILoggerFactory? loggerFactory = null, IProgress<BenchProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        int most = options.Threads ?? Cores.Physical;
        int[] tried = [.. Enumerable.Range(0, 8).Select(i => Math.Max(1, most >> i)).Distinct()];
        var engines = new Dictionary<int, IVai>();
        try
        {
            var streams = new Dictionary<int, DecodeStream>();
            foreach (int threads in (int[])[0, .. tried])
            {
                engines[threads] = Vai.Create(
                    new VaiOptions { Threads = threads == 0 ? most : threads, FixedThreads = threads > 0, RomDirectory = options.RomDirectory }, loggerFactory);
                var model = new ModelOptions { Name = options.Model.Name, File = options.Model.File, Profile = options.Profile };
                streams[threads] = new DecodeStream(engines[threads].Select(await engines[threads].LoadAsync(model, null, cancellationToken).ConfigureAwait(false)));
            }

            progress?.Report(new BenchProgress("warming up", 0));
            foreach (IDecoding decoding in streams.Values.Concat(options.Others.Values))
            {
                var warm = new WarmUp(WarmUp.MostRounds(options.Rounds));
                while (!warm.IsDone)
                    warm.Add(await decoding.MeasureAsync(TimeSpan.Zero, Slice, cancellationToken).ConfigureAwait(false));
            }

            var rows = new List<BusyRow>();
            foreach (int beside in options.Beside)
            {
                rows.Add(await RowAsync(beside).ConfigureAwait(false));
            }

            progress?.Report(new BenchProgress("back", (double)rows.Count / (options.Beside.Count + 1)));
            return new BusyBenchmarkResult(rows, await BackAsync(streams[0], options.Beside.DefaultIfEmpty(0).Max()).ConfigureAwait(false));

            async Task<BusyRow> RowAsync(int beside)
            {
                (string Name, IDecoding Decoding, List<double> Taken)[] all =
                [
                    .. streams.Select(s => (s.Key == 0 ? "VAI" : $"{s.Key} fixed", (IDecoding)s.Value, new List<double>())),
                    .. options.Others.Select(o => (o.Key, o.Value, new List<double>())),
                ];
                for (int round = 0; round < options.Rounds; round++)
                {
                    foreach ((string name, IDecoding decoding, List<double> taken) in round % 2 == 0 ? all : all.Reverse())
                    {
                        progress?.Report(new BenchProgress($"{beside} beside, {name}", (double)rows.Count / (options.Beside.Count + 1)));
                        using var busy = new BusyThreads(beside);
                        taken.Add(await decoding.MeasureAsync(Settling, options.Window, cancellationToken).ConfigureAwait(false));
                    }
                }

                var medians = all.ToDictionary(a => a.Decoding, a => Statistics.Median(a.Taken));
                int best = tried.MaxBy(t => medians[streams[t]]);
                return new BusyRow(
                    beside, medians[streams[0]], tried.ToDictionary(t => t, t => medians[streams[t]]),
                    Statistics.Median(Taken(0).Zip(Taken(best), (own, other) => own / other)))
                {
                    Others = options.Others.ToDictionary(o => o.Key, o => medians[o.Value]),
                };

                List<double> Taken(int threads) => all.First(a => a.Decoding == streams[threads]).Taken;
            }

            async Task<TimeSpan> BackAsync(DecodeStream stream, int beside)
            {
                double full = await stream.MeasureAsync(Settling, options.Window, cancellationToken).ConfigureAwait(false);
                var took = new List<TimeSpan>();
                for (int round = 0; round < options.Rounds; round++)
                {
                    var busy = new BusyThreads(beside);
                    took.Add(await stream.ReachAsync(busy.Dispose, 2 * Settling, Slice, 0.9 * full, Longest, cancellationToken).ConfigureAwait(false));
                }

                return Statistics.Median(took);
            }
        }
        finally
        {
            foreach (IVai engine in engines.Values)
                await engine.DisposeAsync().ConfigureAwait(false);
        }
    }
}
