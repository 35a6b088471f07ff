using System.Globalization;
using VAI.Bench.Parts;

namespace VAI.Bench.Report;

/// <summary>Decoding of the first model by processes that have not all cores for themselves: two of them on one ROM, and under a quota.</summary>
internal sealed class SharedMachine(ReportOptions options, int rounds, CancellationToken cancellation)
{
    private const int Processes = 4;

    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(300);

    /// <summary>Two and four processes at once, against one with a stream and one with two, which share its steps or, in two lanes, take turns.</summary>
    public async Task<TwoProcessFigures> TwoProcessesAsync()
    {
        var one = new List<double>();
        var streams = new List<double>();
        var lanes = new List<double>();
        var both = new List<double[]>();
        var four = new List<double[]>();
        var held = new List<HeldProgram>();
        try
        {
            for (int i = 0; i < Processes; i++)
                held.Add(await HeldProgram.StartAsync(Command([]), cancellation).ConfigureAwait(false));
            HeldProgram twice = await HeldProgram.StartAsync(Command([], times: 2), cancellation).ConfigureAwait(false);
            held.Add(twice);
            await WarmAsync(held).ConfigureAwait(false);
            Func<Task>[] ways =
            [
                async () => one.Add(await Of(held[0], 1).ConfigureAwait(false)),
                async () => both.Add(await Task.WhenAll(held.Take(2).Select(h => Of(h, 1))).ConfigureAwait(false)),
                async () => lanes.Add(await Of(twice, 2).ConfigureAwait(false)),
                async () => four.Add(await Task.WhenAll(held.Take(Processes).Select(h => Of(h, 1))).ConfigureAwait(false)),
                async () => streams.Add(await Of(held[0], 2).ConfigureAwait(false)),
            ];
            await InTurnAsync(ways).ConfigureAwait(false);
        }
        finally
        {
            await EndAsync(held).ConfigureAwait(false);
        }

        return new TwoProcessFigures(
            Figure.Of(one),
            Figure.Of(streams),
            Figure.Of(lanes),
            Figure.Of(both.Select(t => t.Sum())),
            Figure.Of(four.Select(t => t.Sum())),
            Figure.Of(both.Zip(one, (t, o) => t.Sum() / o)),
            Figure.Of(both.Zip(streams, (t, s) => t.Sum() / s)),
            Figure.Of(both.Zip(lanes, (t, l) => t.Sum() / l)),
            Figure.Of(both.Select(t => t.Min() / t.Sum())),
            Figure.Of(four.Zip(lanes, (t, l) => t.Sum() / l)),
            Figure.Of(four.Select(t => t.Min() / t.Sum())));

        Task<double> Of(HeldProgram program, int count) => program.MeasureAsync(Settling, options.Window, count, cancellation);
    }

    /// <summary>Each way in a control group that may use so many cores, in turn.</summary>
    public async Task<QuotaFigures> QuotaAsync(double cores)
    {
        using QuotaGroup? group = QuotaGroup.TryMake(cores, out string reason);
        if (group is null)
            return new QuotaFigures(cores, reason, 0, 0, new Dictionary<string, double>(), new Dictionary<string, double>());
        int most = options.Threads ?? Residency.Cores.Physical;
        int[] tried = [.. new[] { most, Math.Max(1, most / 2), 1 }.Distinct()];
        (string Name, IReadOnlyList<string> Command, List<double> Taken)[] ways =
        [
            ("", Command([]), []),
            .. tried.Select(n => ($"{n}", Command(["--threads", $"{n}", "--fixed-threads"]), new List<double>())),
            .. options.LlamaSharp is null ? ((string, IReadOnlyList<string>, List<double>)[])[] : [(ProgramRows.LlamaSharp, options.HoldLlamaSharp(), [])],
        ];
        var held = new List<HeldProgram>();
        try
        {
            foreach ((_, IReadOnlyList<string> command, _) in ways)
                held.Add(await HeldProgram.StartAsync(group.Within(command), cancellation).ConfigureAwait(false));
            await WarmAsync(held).ConfigureAwait(false);
            await InTurnAsync([.. held.Zip(ways, (program, way) => (Func<Task>)(async () =>
                way.Taken.Add(await program.MeasureAsync(Settling, options.Window, cancellation).ConfigureAwait(false))))]).ConfigureAwait(false);
        }
        finally
        {
            await EndAsync(held).ConfigureAwait(false);
        }

        var medians = ways.ToDictionary(w => w.Name, w => Math.Round(Statistics.Median(w.Taken), 1));
        List<double> best = ways.Skip(1).Take(tried.Length).MaxBy(w => medians[w.Name]).Taken;
        return new QuotaFigures(
            cores,
            null,
            medians[""],
            Math.Round(Statistics.Median(ways[0].Taken.Zip(best, (own, other) => own / other)), 3),
            tried.Select(n => n.ToString(CultureInfo.InvariantCulture)).ToDictionary(n => n, n => medians[n]),
            ways.Skip(1 + tried.Length).ToDictionary(w => w.Name, w => medians[w.Name]));
    }

    private IReadOnlyList<string> Command(string[] more, int times = 1) => options.Hold(
        Enumerable.Repeat(options.First.File, times), options.RomDirectory, [.. more.Contains("--threads") ? [] : options.ThreadsLine, .. more]);

    // Every other round in reverse.
    private async Task InTurnAsync(IReadOnlyList<Func<Task>> ways)
    {
        for (int round = 0; round < rounds; round++)
        {
            foreach (Func<Task> way in round % 2 == 0 ? ways : ways.Reverse())
                await way().ConfigureAwait(false);
        }
    }

    private static async Task EndAsync(IEnumerable<HeldProgram> programs)
    {
        foreach (HeldProgram program in programs)
            await program.DisposeAsync().ConfigureAwait(false);
    }

    private async Task WarmAsync(IEnumerable<HeldProgram> programs)
    {
        foreach (HeldProgram program in programs)
        {
            var warm = new WarmUp(WarmUp.MostRounds(rounds));
            while (!warm.IsDone)
                warm.Add(await program.MeasureAsync(TimeSpan.Zero, options.Window / 10, cancellation).ConfigureAwait(false));
        }
    }
}
