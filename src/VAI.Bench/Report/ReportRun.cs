using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace VAI.Bench.Report;

/// <summary>Measures everything, one thing after the other, and writes <c>report.md</c> and its plots.</summary>
internal sealed class ReportRun(
    ReportOptions options, ILoggerFactory? loggerFactory, IProgress<BenchProgress>? progress, CancellationToken cancellation)
{
    private const string Document = "report.md";
    private const string OverHttp = "VAI over HTTP";

    // As many as a stream of VAI's begins with.
    private const int StreamPromptTokens = 8;

    private readonly ReportSize _size = new(
        options.Rounds, Math.Max(1, options.Rounds / 2), Math.Max(1, options.Rounds / 4), options.Tokens, options.Processes, options.LongPromptTokens,
        options.Window.TotalMilliseconds, options.Idle.TotalMilliseconds);

    private readonly BenchModel[] _models = [options.First, options.Second];

    /// <exception cref="VaiException">An option is out of range, the directory cannot be written, the peer does not answer, or a measure fails.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled. No report is written.</exception>
    public async Task<ReportFigures> RunAsync()
    {
        options.Check();
        long start = Stopwatch.GetTimestamp();
        try
        {
            return Write(await MeasureAsync(start).ConfigureAwait(false));
        }
        finally
        {
            if (Directory.Exists(ServeProcess.Roms(options)))
                Directory.Delete(ServeProcess.Roms(options), recursive: true);
        }
    }

    private async Task<ReportFigures> MeasureAsync(long start)
    {
        // What can go wrong for outside reasons, before minutes of measuring.
        CheckDirectory();
        string[] names = [.. _models.Select(m => m.Name)];
        using Peer? peer = options.Peer is { } url ? await Peer.ConnectAsync(url, names, cancellation).ConfigureAwait(false) : null;
        if (options.LlamaSharp is not null)
            await (await HeldProgram.StartAsync(options.HoldLlamaSharp(), cancellation).ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);

        var attach = new List<AttachFigures>();
        for (int m = 0; m < 2; m++)
            attach.Add(await AttachAsync(_models[m], Part(m * 0.03, 0.03)).ConfigureAwait(false));

        // A daemon that nobody asks costs the others nothing.
        ServeProcess serve = await ServeProcess.StartAsync(options, cancellation).ConfigureAwait(false);
        var measures = new List<PeerMeasure>();
        SwitchBenchmarkResult switched;
        PipelineBenchmarkResult pipeline;
        await using (serve.ConfigureAwait(false))
        {
            using Peer daemon = await Peer.ConnectAsync(serve.Socket, OverHttp, names, cancellation).ConfigureAwait(false);
            foreach (Peer other in (Peer[])[daemon, .. peer is null ? (Peer[])[] : [peer]])
                measures.Add(new PeerMeasure(other, names, options.Tokens, options.Rounds, cancellation));
            switched = await SwitchAsync(measures, Part(0.06, 0.14)).ConfigureAwait(false);
            pipeline = await PipelineAsync(measures, Part(0.2, 0.2)).ConfigureAwait(false);
        }

        Say("memory", 0.4);
        var memory = new MemoryFigures(
            await HeldProcesses.MeasureAsync(options, own: false, "one ROM,", cancellation).ConfigureAwait(false),
            await HeldProcesses.MeasureAsync(options, own: true, "own load,", cancellation).ConfigureAwait(false),
            peer is null ? [] : PeerMemory.Read(peer.Url, peer.Name));
        Say("processes, one by one", 0.43);
        IReadOnlyList<ProgramFigures> programs = await ProgramRows.MeasureAsync(options, _size.Loads, cancellation).ConfigureAwait(false);
        Say("starting daemons", 0.47);
        ColdStartFigures cold = await ColdStart.MeasureAsync(options, measures[0].Vocabulary, _size.Loads, cancellation).ConfigureAwait(false);
        BusyBenchmarkResult busy = await BusyAsync(peer, measures[0].Vocabulary, Part(0.5, 0.2)).ConfigureAwait(false);
        Say("two processes", 0.7);
        var shared = new SharedMachine(options, _size.Loads, cancellation);
        TwoProcessFigures two = await shared.TwoProcessesAsync().ConfigureAwait(false);
        var quotas = new List<QuotaFigures>();
        foreach (double cores in options.Quotas)
        {
            Say(string.Create(CultureInfo.InvariantCulture, $"a quota of {cores}"), 0.75 + (0.15 * quotas.Count / options.Quotas.Count));
            quotas.Add(await shared.QuotaAsync(cores).ConfigureAwait(false));
        }

        IReadOnlyList<ResidentFigures> resident = await new ResidentModels(options, Part(0.9, 0.1), cancellation).MeasureAsync(_size.ThroughputRounds).ConfigureAwait(false);

        FirstToken[] firsts = [.. switched.Samples.Select(s => new FirstToken(s.Model, s.Switched, s.Result.FirstTokenTime.TotalMilliseconds))];
        return new ReportFigures(
            Machine.Read(),
            [.. _models.Select(m => new ReportModel(m.Name, new FileInfo(m.File).Length))],
            _size,
            [SideFigures.Of("VAI", firsts, pipeline.Concurrent!.Rounds), .. measures.Select(m => m.Figures)],
            Math.Round(switched.SelectNanoseconds, 1),
            Figure.Of(switched.Traditional),
            attach,
            PipelineFigures.Of(pipeline),
            memory,
            programs,
            cold,
            [.. busy.Rows.Select(BusyFigures.Of)],
            Math.Round(busy.Back.TotalMilliseconds),
            two,
            quotas,
            resident,
            Math.Round(Stopwatch.GetElapsedTime(start).TotalSeconds, 1));
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

    private async Task<SwitchBenchmarkResult> SwitchAsync(IReadOnlyList<PeerMeasure> others, IProgress<BenchProgress> part)
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
        return await new SwitchRun(vai, benchmark, part, cancellation) { AfterRound = Others }.RunAsync().ConfigureAwait(false);

        async Task Others(int round)
        {
            foreach (PeerMeasure other in warm ? [] : others)
                await other.WarmUpAsync(vai).ConfigureAwait(false);
            warm = true;
            string prompt = SwitchBenchmark.Prompts[round % SwitchBenchmark.Prompts.Count];
            IReadOnlyList<int> tokens = await vai.Select(options.First.Name).TokenizeAsync(prompt, cancellationToken: cancellation).ConfigureAwait(false);
            foreach (PeerMeasure other in round % 2 == 0 ? others : others.Reverse())
                await other.SwitchAsync(round, tokens.Count).ConfigureAwait(false);
        }
    }

    private async Task<PipelineBenchmarkResult> PipelineAsync(IReadOnlyList<PeerMeasure> others, IProgress<BenchProgress> part)
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
            AfterConcurrentRound = async round =>
            {
                if (round % 2 != 0)
                    return;
                int turn = round / 2;
                foreach (PeerMeasure other in turn % 2 == 0 ? others : others.Reverse())
                    await other.ConcurrentAsync(turn).ConfigureAwait(false);
            },
        }.RunAsync().ConfigureAwait(false);
    }

    private async Task<BusyBenchmarkResult> BusyAsync(Peer? peer, PeerVocabulary vocabulary, IProgress<BenchProgress> part)
    {
        HeldProgram? sharp = options.LlamaSharp is null ? null : await HeldProgram.StartAsync(options.HoldLlamaSharp(), cancellation).ConfigureAwait(false);
        try
        {
            var others = new Dictionary<string, IDecoding>();
            if (peer is not null)
            {
                int asked = 0;
                others[peer.Name] = new PeerDecoding((tokens, stop) => peer.AskAsync(
                    options.First.Name, vocabulary.Prompt(asked++, StreamPromptTokens), tokens, vocabulary.Ends, stop));
            }

            if (sharp is not null)
                others[ProgramRows.LlamaSharp] = sharp;
            var benchmark = new BusyBenchmarkOptions
            {
                Model = options.First,
                Beside = options.Beside,
                Rounds = _size.Loads,
                Window = options.Window,
                Threads = options.Threads,
                RomDirectory = options.RomDirectory,
                Others = others,
            };
            return await BusyBenchmark.RunAsync(benchmark, loggerFactory, part, cancellation).ConfigureAwait(false);
        }
        finally
        {
            if (sharp is not null)
                await sharp.DisposeAsync().ConfigureAwait(false);
        }
    }

    private void Say(string phase, double at)
    {
        cancellation.ThrowIfCancellationRequested();
        progress?.Report(new BenchProgress(phase, at));
    }

    private PartOfAll Part(double from, double length) => new(progress, from, length);

    private sealed class PartOfAll(IProgress<BenchProgress>? all, double from, double length) : IProgress<BenchProgress>
    {
        public void Report(BenchProgress value) => all?.Report(new BenchProgress(value.Phase, from + (length * value.Fraction)));
    }
}
