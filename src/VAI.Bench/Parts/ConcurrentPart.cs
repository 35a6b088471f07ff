using VAI.Bench.Report;

namespace VAI.Bench.Parts;

/// <summary>Both models at once against one after the other, in pairs.</summary>
internal sealed class ConcurrentPart(Subject first, Subject second, PipelineBenchmarkOptions options)
{
    private Seen[] _alone = [new(), new()];
    private Seen[] _both = [new(), new()];
    private bool _warm;

    /// <summary>Does something else after each round, which is to leave the cores idle.</summary>
    public Func<int, Task>? AfterRound { get; init; }

    public async Task<ConcurrentResult> RunAsync(Action<int, int> step)
    {
        using var meter = new StepMeter();
        var serial = new List<Work>();
        var concurrent = new List<Work>();
        await Rounds.RunAsync(
            options.Rounds,
            step,
            async i =>
            {
                if (i % 2 != 0)
                    concurrent.Add(await ConcurrentAsync(i, meter).ConfigureAwait(false));
                serial.Add(await SerialAsync(meter).ConfigureAwait(false));
                if (i % 2 == 0)
                    concurrent.Add(await ConcurrentAsync(i, meter).ConfigureAwait(false));
                if (_warm && AfterRound is not null)
                    await AfterRound(i).ConfigureAwait(false);
                return concurrent[^1].TokensPerSecond;
            },
            () =>
            {
                (_alone, _both, _warm) = ([new(), new()], [new(), new()], true);
                serial.Clear();
                concurrent.Clear();
            }).ConfigureAwait(false);

        double time = _both.Sum(s => s.Steps.Time.TotalSeconds);
        return new ConcurrentResult(
            options.Sessions,
            serial.Sum(w => w.Tokens),
            concurrent.Sum(w => w.Tokens),
            Statistics.Median(serial.Select(w => w.TokensPerSecond)),
            Statistics.Median(concurrent.Select(w => w.TokensPerSecond)),
            Statistics.Median(serial.Zip(concurrent, (s, c) => c.TokensPerSecond / s.TokensPerSecond)),
            [.. new[] { first, second }.Select((s, m) => Model(s.Name, _both[m], _alone[m], time))])
        {
            Rounds = [.. serial.Zip(concurrent, (s, c) => new Speeds(s.TokensPerSecond, c.TokensPerSecond))],
        };
    }

    private static ConcurrentModel Model(string name, Seen both, Seen alone, double time) => new(
        name,
        time > 0 ? both.Steps.Time.TotalSeconds / time : 0,
        both.Steps.Time,
        both.Steps.Steps,
        both.Steps.Rows,
        both.Latency,
        alone.Latency);

    private async Task<Work> SerialAsync(StepMeter meter)
    {
        Group a = await Group.RunAsync([first], options.Sessions, options, meter).ConfigureAwait(false);
        Group b = await Group.RunAsync([second], options.Sessions, options, meter).ConfigureAwait(false);
        _alone[0].Add(a, 0);
        _alone[1].Add(b, 0);
        return new Work(a.Tokens + b.Tokens, a.Elapsed + b.Elapsed);
    }

    // Whoever is asked first has the pipeline to itself for a moment: in turns, too.
    private async Task<Work> ConcurrentAsync(int round, StepMeter meter)
    {
        int at = round / 2 % 2;
        Group group = await Group.RunAsync(at == 0 ? [first, second] : [second, first], options.Sessions, options, meter).ConfigureAwait(false);
        _both[0].Add(group, at);
        _both[1].Add(group, 1 - at);
        return new Work(group.Tokens, group.Elapsed);
    }

    private readonly record struct Work(int Tokens, TimeSpan Elapsed)
    {
        public double TokensPerSecond => Tokens / Elapsed.TotalSeconds;
    }

    private sealed class Seen
    {
        private readonly List<TimeSpan> _firsts = [];

        public StepTotals Steps { get; } = new();

        public Latency Latency => new(
            Statistics.Percentile(_firsts, 0.5),
            Statistics.Percentile(_firsts, 0.99),
            Statistics.Percentile(Steps.Intervals, 0.5),
            Statistics.Percentile(Steps.Intervals, 0.99));

        public void Add(Group group, int subject)
        {
            _firsts.AddRange(group.Results[subject].Select(r => r.FirstTokenTime));
            Steps.Add(group.Steps[subject]);
        }
    }
}
