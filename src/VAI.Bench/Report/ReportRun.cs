using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace VAI.Bench.Report;

/// <summary>Measures everything, one thing after the other, and writes <c>report.md</c> and its plots.</summary>
internal sealed class ReportRun(
    ReportOptions options, ILoggerFactory? loggerFactory, IProgress<BenchProgress>? progress, CancellationToken cancellation)
{
    private const string Document = "report.md";

    private readonly ReportSize _size = new(
        options.Rounds, Math.Max(1, options.Rounds / 2), Math.Max(1, options.Rounds / 4), options.Tokens, options.Processes, options.LongPromptTokens);

    private readonly BenchModel[] _models = [options.First, options.Second];

    /// <exception cref="VaiException">An option is out of range, the directory cannot be written, the peer does not answer, or a measure fails.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled. No report is written.</exception>
    public async Task<ReportFigures> RunAsync()
    {
        options.Check();
        long start = Stopwatch.GetTimestamp();

        // What can go wrong for outside reasons, before minutes of measuring.
        CheckDirectory();
        string[] names = [.. _models.Select(m => m.Name)];
        using Peer? peer = options.Peer is { } url ? await Peer.ConnectAsync(url, names, cancellation).ConfigureAwait(false) : null;
        PeerMeasure? measure = peer is null ? null : new PeerMeasure(peer, names, options.Tokens, cancellation);

        var attach = new List<AttachFigures>();
        for (int m = 0; m < 2; m++)
            attach.Add(await AttachAsync(_models[m], Part(m * 0.05, 0.05)).ConfigureAwait(false));
        SwitchBenchmarkResult switched = await SwitchAsync(measure, Part(0.1, 0.35)).ConfigureAwait(false);
        PipelineBenchmarkResult pipeline = await PipelineAsync(measure, Part(0.45, 0.4)).ConfigureAwait(false);
        Part(0.85, 0).Report(new BenchProgress("memory", 0));
        var memory = new MemoryFigures(
            await HeldProcesses.MeasureAsync(options, own: false, "one ROM,", cancellation).ConfigureAwait(false),
            await HeldProcesses.MeasureAsync(options, own: true, "own load,", cancellation).ConfigureAwait(false),
            peer is null ? [] : PeerMemory.Read(peer.Url, peer.Name));

        FirstToken[] firsts = [.. switched.Samples.Select(s => new FirstToken(s.Model, s.Switched, s.Result.FirstTokenTime.TotalMilliseconds))];
        var figures = new ReportFigures(
            Machine.Read(),
            [.. _models.Select(m => new ReportModel(m.Name, new FileInfo(m.File).Length))],
            _size,
            [SideFigures.Of("VAI", firsts, pipeline.Concurrent!.Rounds), .. measure is null ? (SideFigures[])[] : [measure.Figures]],
            Math.Round(switched.SelectNanoseconds, 1),
            Figure.Of(switched.Traditional),
            attach,
            PipelineFigures.Of(pipeline),
            memory,
            Math.Round(Stopwatch.GetElapsedTime(start).TotalSeconds, 1));
        return Write(figures);
    }

    private void CheckDirectory()
    {
        try
        {
            Directory.CreateDirectory(options.Directory);
            string probe = Path.Combine(options.Directory, $".{Guid.NewGuid():N}");
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw NotWritable(e);
        }
    }

    private ReportFigures Write(ReportFigures figures)
    {
        try
        {
            IReadOnlyList<string> plots = ReportPlots.Write(options.Directory, figures);
            File.WriteAllText(Path.Combine(options.Directory, Document), ReportDocument.Write(figures));
            return figures with { Files = [.. plots.Prepend(Document).Select(f => Path.Combine(options.Directory, f))] };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(e);
        }
    }

    private VaiUsageException NotWritable(Exception e) =>
        new(VaiError.FileNotWritable, $"The report cannot be written into '{options.Directory}': {e.Message} Give a directory of your own.", e);

    private async Task<AttachFigures> AttachAsync(BenchModel model, IProgress<BenchProgress> part)
    {
        AttachBenchmarkResult r = await AttachBenchmark.RunAsync(
            new AttachBenchmarkOptions
            {
                File = model.File,
                Loads = _size.Loads,
                Rounds = _size.ThroughputRounds,
                Threads = options.Threads,
                RomDirectory = options.RomDirectory,
            },
            loggerFactory,
            part,
            cancellation).ConfigureAwait(false);
        return new AttachFigures(
            model.Name, Figure.Of(r.Loads), Figure.Of(r.Attaches), Math.Round(r.Ratio, 1), Math.Round(r.PrefillRatio, 3),
            Math.Round(r.DecodeRatio, 3), r.SameTokens, r.RomBytes);
    }

    private async Task<SwitchBenchmarkResult> SwitchAsync(PeerMeasure? peer, IProgress<BenchProgress> part)
    {
        await using IVai vai = Vai.Create(new VaiOptions { Threads = options.Threads, RomDirectory = options.RomDirectory }, loggerFactory);
        bool warm = false;
        var benchmark = new SwitchBenchmarkOptions
        {
            First = options.First,
            Second = options.Second,
            Rounds = _size.Rounds,
            TraditionalRepeats = _size.Loads,
        };
        return await new SwitchRun(vai, benchmark, part, cancellation) { AfterRound = peer is null ? null : Peer }.RunAsync().ConfigureAwait(false);

        async Task Peer(int round)
        {
            if (!warm)
                await peer.WarmUpAsync(vai).ConfigureAwait(false);
            warm = true;
            string prompt = SwitchBenchmark.Prompts[round % SwitchBenchmark.Prompts.Count];
            IReadOnlyList<int> tokens = await vai.Select(options.First.Name).TokenizeAsync(prompt, cancellationToken: cancellation).ConfigureAwait(false);
            await peer.SwitchAsync(round, tokens.Count).ConfigureAwait(false);
        }
    }

    private async Task<PipelineBenchmarkResult> PipelineAsync(PeerMeasure? peer, IProgress<BenchProgress> part)
    {
        var benchmark = new PipelineBenchmarkOptions
        {
            First = options.First,
            Second = options.Second,
            Rounds = _size.ThroughputRounds,
            Tokens = options.Tokens,
            LongPromptTokens = options.LongPromptTokens,
            LongRounds = _size.Loads,
            Threads = options.Threads,
            RomDirectory = options.RomDirectory,
        };
        benchmark.Check();
        await using IVai vai = Vai.Create(new VaiOptions { Threads = options.Threads, RomDirectory = options.RomDirectory }, loggerFactory);
        return await new PipelineRun(vai, benchmark, part, cancellation)
        {
            AfterConcurrentRound = peer is null ? null : peer.ConcurrentAsync,
        }.RunAsync().ConfigureAwait(false);
    }

    private PartOfAll Part(double from, double length) => new(progress, from, length);

    private sealed class PartOfAll(IProgress<BenchProgress>? all, double from, double length) : IProgress<BenchProgress>
    {
        public void Report(BenchProgress value) => all?.Report(new BenchProgress(value.Phase, from + (length * value.Fraction)));
    }
}
