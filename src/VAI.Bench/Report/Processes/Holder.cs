using System.Diagnostics;
using System.Globalization;
using VAI.Bench.Parts;
using VAI.Native.Abi;
using VAI.Native.Llama;

namespace VAI.Bench.Report;

/// <summary>What <see cref="Holder"/> holds, and how.</summary>
internal sealed record HolderOptions
{
    /// <summary>The models. Streams are dealt out over them, the first to the first.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>Whether by llama.cpp's own default load, rather than from a ROM: of one model, which is not measured.</summary>
    public bool Own { get; init; }

    /// <summary>Tokens of each request that is measured at the start; fewer than 2 for none.</summary>
    public int Tokens { get; init; }

    /// <summary>As <see cref="ModelOptions.ContextLength"/>.</summary>
    public int? Context { get; init; }

    public int? Threads { get; init; }

    public bool FixedThreads { get; init; }

    public string? RomDirectory { get; init; }
}

/// <summary>
/// Holds models, says what that took, and then does what it reads, a line of JSON for each line: <c>decode SETTLING_MS WINDOW_MS STREAMS</c>, or
/// <c>select</c>; until the input ends. See <see cref="HeldProgram"/> for the other end.
/// </summary>
internal sealed class Holder(HolderOptions options, TextReader input, TextWriter output, CancellationToken cancellation)
{
    private const int PromptTokens = 16;
    private const int Requests = 5;

    public async Task HoldAsync()
    {
        long start = Stopwatch.GetTimestamp();
        if (options.Own)
        {
            NativeLoader.EnsureLoaded();
            using var model = LlamaModel.Load(options.Files[0], new LlamaModelSettings { Repack = true }, null, cancellation);
            using LlamaContext context = Answer(model);
            TimeSpan taken = Stopwatch.GetElapsedTime(start);
            Say($"{{\"load_ms\": {taken.TotalMilliseconds:F3}, \"first_at\": {Stopwatch.GetTimestamp()}, \"first_ms\": 0, \"tokens_per_second\": 0, \"private_bytes\": {ProcessMemory.Own().AnonymousBytes}}}");
            await input.ReadToEndAsync(cancellation).ConfigureAwait(false);
            return;
        }

        await using IVai vai = Vai.Create(new VaiOptions { RomDirectory = options.RomDirectory, Threads = options.Threads, FixedThreads = options.FixedThreads });
        var handles = new ModelHandle[options.Files.Count];
        TimeSpan load = default;
        long firstAt = 0;
        for (int i = 0; i < handles.Length; i++)
        {
            // A file that is given again is the same ROM in a lane of its own.
            string name = BenchModel.FromFiles(options.Files[i], options.Files[i]).First.Name;
            int before = options.Files.Take(i).Count(f => f == options.Files[i]);
            var model = new ModelOptions { Name = before == 0 ? name : $"{name}-lane-{before}", File = options.Files[i], ContextLength = options.Context };
            handles[i] = await vai.LoadAsync(model, null, cancellation).ConfigureAwait(false);
            if (i == 0)
                load = Stopwatch.GetElapsedTime(start);

            // The first step touches all weights.
            long asked = Stopwatch.GetTimestamp();
            var subject = new Subject(vai.Select(handles[i]), cancellation);
            InferenceResult first = await subject.AskAsync(subject.Prompt(PromptTokens), 1).ConfigureAwait(false);
            if (i == 0)
                firstAt = asked + (long)(first.FirstTokenTime.TotalSeconds * Stopwatch.Frequency);
        }

        (double firstMs, double speed) = await SpeedAsync(vai.Select(handles[0])).ConfigureAwait(false);
        Say($"{{\"load_ms\": {load.TotalMilliseconds:F3}, \"first_at\": {firstAt}, \"first_ms\": {firstMs:F3}, \"tokens_per_second\": {speed:F3}, \"private_bytes\": {ProcessMemory.Own().AnonymousBytes}}}");
        while (await input.ReadLineAsync(cancellation).ConfigureAwait(false) is { } line)
            await DoAsync(vai, handles, line.Split(' ')).ConfigureAwait(false);
    }

    private async Task DoAsync(IVai vai, ModelHandle[] handles, string[] words)
    {
        switch (words)
        {
            case ["select"]:
                Say($"{{\"select_ns\": {SelectTimes.Measure(vai, handles):F3}}}");
                break;
            case ["decode", var settling, var window, var streams]:
                double[] each = await Task.WhenAll(Enumerable.Range(0, int.Parse(streams, CultureInfo.InvariantCulture))
                    .Select(i => new DecodeStream(vai.Select(handles[i % handles.Length]), i).MeasureAsync(Time(settling), Time(window), cancellation))).ConfigureAwait(false);
                Say($"{{\"tokens_per_second\": {each.Sum():F3}}}");
                break;
            default:
                throw new VaiUsageException(VaiError.InvalidOption, $"'{string.Join(' ', words)}' is not understood. Write decode SETTLING_MS WINDOW_MS STREAMS, or select.");
        }

        static TimeSpan Time(string text) => TimeSpan.FromMilliseconds(double.Parse(text, CultureInfo.InvariantCulture));
    }

    private async Task<(double FirstMs, double TokensPerSecond)> SpeedAsync(IModelContext model)
    {
        if (options.Tokens < 2)
            return (0, 0);
        var subject = new Subject(model, cancellation);
        var firsts = new List<double>();
        var speeds = new List<double>();
        await Rounds.RunAsync(
            Requests,
            (_, _) => cancellation.ThrowIfCancellationRequested(),
            async _ =>
            {
                InferenceResult result = await subject.AskAsync(subject.Prompt(PromptTokens), options.Tokens).ConfigureAwait(false);
                firsts.Add(result.FirstTokenTime.TotalMilliseconds);
                speeds.Add(result.TokensPerSecond);
                return speeds[^1];
            },
            firsts, speeds).ConfigureAwait(false);
        return (Statistics.Median(firsts), Statistics.Median(speeds));
    }

    private void Say(FormattableString line)
    {
        output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
        output.Flush();
    }

    private LlamaContext Answer(LlamaModel model)
    {
        int cells = options.Context ?? 512;
        var context = new LlamaContext(model, new LlamaContextSettings
        {
            Cells = cells,
            BatchSize = cells,
            MicroBatchSize = cells,
            MaxSequences = 1,
            Threads = options.Threads ?? Residency.Cores.Physical,
        });
        context.Batch.Clear();
        context.Batch.Add(1, 0, 0, logits: true);
        context.Decode();
        return context;
    }
}
