using System.Diagnostics;
using VAI.Bench.Parts;

namespace VAI.Bench;

/// <summary>One run of <see cref="SwitchBenchmark"/>.</summary>
internal sealed class SwitchRun(
    IVai vai, SwitchBenchmarkOptions options, IProgress<BenchProgress>? progress, CancellationToken cancellation)
{
    private readonly BenchModel[] _models = [options.First, options.Second];
    private readonly ModelHandle[] _handles = new ModelHandle[2];
    private readonly TimeSpan[] _loadTimes = new TimeSpan[2];
    private readonly List<SwitchSample> _samples = [];
    private readonly int _steps =
        2 + 1 + (4 * options.Rounds) + options.TraditionalRepeats;

    private int _step;
    private int _asked;

    /// <summary>Does something else after each round, which is to leave the cores idle.</summary>
    public Func<int, Task>? AfterRound { get; init; }

    public async Task<SwitchBenchmarkResult> RunAsync()
    {
        for (int m = 0; m < 2; m++)
        {
            Step($"loading {_models[m].Name}");
            await LoadAsync(m).ConfigureAwait(false);
            _loadTimes[m] = vai.Select(_handles[m]).LoadTime;
        }

        await WarmUpAsync().ConfigureAwait(false);
        Step("selecting");
        double select = SelectTimes.Measure(vai, _handles);

        // The compute threads have gone to sleep meanwhile.
        await AskAsync(0, SwitchBenchmark.Prompts[0]).ConfigureAwait(false);
        await MeasureSwitchesAsync().ConfigureAwait(false);
        List<TimeSpan> traditional = await MeasureTraditionalAsync().ConfigureAwait(false);
        progress?.Report(new BenchProgress("done", 1));
        return Sum(select, traditional);
    }

    private Task LoadAsync(int model) => LoadAsync(model, options.Profile);

    private async Task LoadAsync(int model, RomProfile profile) =>
        _handles[model] = await vai.LoadAsync(options.Model(_models[model]) with { Profile = profile }, null, cancellation).ConfigureAwait(false);

    // Each model answers each prompt at least once, and the first one is the last.
    private async Task WarmUpAsync()
    {
        var warm = new WarmUp(WarmUp.MostRounds(options.Rounds));
        for (int i = 0; i < SwitchBenchmark.Prompts.Count || !warm.IsDone; i++)
        {
            string prompt = SwitchBenchmark.Prompts[i % SwitchBenchmark.Prompts.Count];
            double taken = 0;
            for (int m = 1; m >= 0; m--)
            {
                cancellation.ThrowIfCancellationRequested();
                progress?.Report(new BenchProgress($"warming up {_models[m].Name}", (double)_step / _steps));
                taken += (await AskAsync(m, prompt).ConfigureAwait(false)).FirstTokenTime.TotalMilliseconds;
            }

            warm.Add(taken);
        }
    }

    // Every round starts and ends with the first model, as the warm-up ended with it.
    private async Task MeasureSwitchesAsync()
    {
        (int Model, bool Switched)[] forward = [(0, false), (1, true), (1, false), (0, true)];
        (int Model, bool Switched)[] backward = [(1, true), (1, false), (0, true), (0, false)];
        for (int round = 0; round < options.Rounds; round++)
        {
            string prompt = SwitchBenchmark.Prompts[round % SwitchBenchmark.Prompts.Count];
            foreach ((int model, bool switched) in round % 2 == 0 ? forward : backward)
            {
                Step($"round {round + 1} of {options.Rounds}");
                InferenceResult result = await AskAsync(model, prompt).ConfigureAwait(false);
                _samples.Add(new SwitchSample(_models[model].Name, prompt, switched, result));
            }

            if (AfterRound is null)
                continue;
            await AfterRound(round).ConfigureAwait(false);

            // The compute threads have gone to sleep meanwhile.
            await AskAsync(0, prompt).ConfigureAwait(false);
        }
    }

    // One model resident at a time, and from its file, as without VAI.
    private async Task<List<TimeSpan>> MeasureTraditionalAsync()
    {
        var times = new List<TimeSpan>();
        int resident = 0;
        await vai.UnloadAsync(_handles[1], cancellation).ConfigureAwait(false);
        for (int i = 0; i < options.TraditionalRepeats; i++)
        {
            Step("switching the traditional way");
            long start = Stopwatch.GetTimestamp();
            await vai.UnloadAsync(_handles[resident], cancellation).ConfigureAwait(false);
            resident = 1 - resident;
            await LoadAsync(resident, RomProfile.None).ConfigureAwait(false);
            TimeSpan loaded = Stopwatch.GetElapsedTime(start);
            string prompt = SwitchBenchmark.Prompts[i % SwitchBenchmark.Prompts.Count];
            InferenceResult result = await AskAsync(resident, prompt).ConfigureAwait(false);
            times.Add(loaded + result.FirstTokenTime);
        }

        await vai.UnloadAsync(_handles[resident], cancellation).ConfigureAwait(false);
        await LoadAsync(resident).ConfigureAwait(false);
        await LoadAsync(1 - resident).ConfigureAwait(false);
        return times;
    }

    // Each time with another first token: what the bank has of an earlier answer would be reused, staying or not.
    private async Task<InferenceResult> AskAsync(int model, string prompt)
    {
        InferenceOptions greedy = InferenceOptions.Greedy with { MaxTokens = options.TokensPerResponse };
        IModelContext context = vai.Select(_handles[model]);
        int[] tokens = [.. await context.TokenizeAsync(prompt, cancellationToken: cancellation).ConfigureAwait(false)];
        tokens[0] = _asked++ % context.Info.VocabularySize;
        await using IInferenceSession session = context.OpenSession();
        InferenceResult? result = null;
        await foreach (InferenceUpdate update in session.InferAsync(tokens, greedy, cancellation).ConfigureAwait(false))
            result = update.Result ?? result;
        return result ?? throw new VaiEngineException(VaiError.NativeFailure, "A transaction ended without a result.");
    }

    private void Step(string phase)
    {
        cancellation.ThrowIfCancellationRequested();
        progress?.Report(new BenchProgress(phase, (double)_step++ / _steps));
    }

    private SwitchBenchmarkResult Sum(double select, List<TimeSpan> traditional)
    {
        var models = new ModelSwitchResult[2];
        (InferenceResult Stay, InferenceResult Switched)[] pairs = Pairs();
        TimeSpan[] overheads = [.. pairs.Select(p => p.Switched.FirstTokenTime - p.Stay.FirstTokenTime)];
        for (int m = 0; m < 2; m++)
        {
            SwitchSample[] own = [.. _samples.Where(s => s.Model == _models[m].Name)];
            TimeSpan stay = Statistics.Median(own.Where(s => !s.Switched).Select(s => s.Result.FirstTokenTime));
            TimeSpan switched = Statistics.Median(own.Where(s => s.Switched).Select(s => s.Result.FirstTokenTime));
            models[m] = new ModelSwitchResult(
                _models[m].Name, _loadTimes[m], stay, switched,
                Statistics.Median(own.Select(s => s.Result.TokensPerSecond)));
        }

        return new SwitchBenchmarkResult
        {
            Models = models,
            SelectNanoseconds = select,
            SwitchOverhead = Statistics.Median(overheads),
            SwitchOverheadSpread = Statistics.Spread(overheads),
            SwitchRatio = Statistics.Median(pairs.Select(p => p.Switched.FirstTokenTime / p.Stay.FirstTokenTime)),
            TraditionalSwitch = Statistics.Median(traditional),
            Traditional = traditional,
            Samples = _samples,
        };
    }

    // Of one model, one prompt and one moment: prompts of other lengths and bursts of other programs drop out.
    private (InferenceResult Stay, InferenceResult Switched)[] Pairs() =>
    [
        .. _samples.Chunk(4).SelectMany(round => round
            .GroupBy(s => s.Model)
            .Select(pair => (pair.Single(s => !s.Switched).Result, pair.Single(s => s.Switched).Result))),
    ];
}
