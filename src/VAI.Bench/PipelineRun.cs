using VAI.Bench.Parts;

namespace VAI.Bench;

/// <summary>One run of <see cref="PipelineBenchmark"/>.</summary>
internal sealed class PipelineRun(
    IVai vai, PipelineBenchmarkOptions options, IProgress<BenchProgress>? progress, CancellationToken cancellation)
{
    private readonly int _parts = int.PopCount((int)options.Parts);
    private int _part = -1;

    /// <summary>Does something else after each round of both models at once.</summary>
    public Func<int, Task>? AfterConcurrentRound { get; init; }

    public async Task<PipelineBenchmarkResult> RunAsync()
    {
        Subject first = await LoadAsync(options.First).ConfigureAwait(false);
        Subject second = await LoadAsync(options.Second).ConfigureAwait(false);

        // The single session comes first: its bank is as empty as the bare loop's.
        var result = new PipelineBenchmarkResult
        {
            Models = [first.Name, second.Name],
            Single = await PartAsync(PipelineParts.Single, s => SinglePart.RunAsync(first, options, s)).ConfigureAwait(false),
            Batch = await PartAsync(PipelineParts.Batch, s => BatchPart.RunAsync(first, options, s)).ConfigureAwait(false),
            Concurrent = await PartAsync(PipelineParts.Concurrent, s => new ConcurrentPart(first, second, options) { AfterRound = AfterConcurrentRound }.RunAsync(s)).ConfigureAwait(false),
            Switch = await PartAsync(PipelineParts.Switch, s => SwitchPart.RunAsync(first, second, options, s)).ConfigureAwait(false),
            Prefix = await PartAsync(PipelineParts.Prefix, s => LongParts.PrefixAsync(first, options, s)).ConfigureAwait(false),
            Fork = await PartAsync(PipelineParts.Fork, s => LongParts.ForkAsync(first, options, s)).ConfigureAwait(false),
            Park = await PartAsync(PipelineParts.Park, s => LongParts.ParkAsync(first, options, s)).ConfigureAwait(false),
        };
        progress?.Report(new BenchProgress("done", 1));
        return result;
    }

    private async Task<Subject> LoadAsync(BenchModel model)
    {
        progress?.Report(new BenchProgress($"loading {model.Name}", 0));
        ModelHandle handle = await vai.LoadAsync(options.Model(model), null, cancellation).ConfigureAwait(false);
        var subject = new Subject(vai.Select(handle), cancellation);

        // The first step of a model touches its weights.
        await using IInferenceSession warm = subject.Model.OpenSession();
        await subject.AskAsync(warm, subject.Prompt(options.PromptTokens), options.Tokens).ConfigureAwait(false);

        // What a closed session leaves in the bank as a cache is in the way of what is measured.
        await warm.ParkAsync(cancellation).ConfigureAwait(false);
        return subject;
    }

    private async Task<T?> PartAsync<T>(PipelineParts part, Func<Action<int, int>, Task<T>> run)
        where T : class
    {
        if (!options.Has(part))
            return null;
        _part++;
        return await run((round, rounds) =>
        {
            cancellation.ThrowIfCancellationRequested();
            progress?.Report(new BenchProgress(
                $"{part.ToString().ToLowerInvariant()}, {round + 1} of {rounds}", (_part + ((double)round / rounds)) / _parts));
        }).ConfigureAwait(false);
    }
}
