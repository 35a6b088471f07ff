using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VAI.Bench.Parts;
using VAI.Native.Abi;
using VAI.Native.Interop;
using VAI.Native.Llama;
using VAI.Native.Source;
using VAI.Residency;

namespace VAI.Bench;

/// <summary>One run of <see cref="AttachBenchmark"/>, on one thread.</summary>
internal sealed class AttachRun(
    AttachBenchmarkOptions options, ILoggerFactory? loggerFactory, IProgress<BenchProgress>? progress, CancellationToken cancellation)
{
    private readonly ModelOptions _model = new() { Name = SplitName.StemOf(options.File), File = options.File };
    private readonly int _cells = options.PromptTokens + options.DecodeTokens;
    private int _step;

    public AttachBenchmarkResult Run()
    {
        NativeLoader.EnsureLoaded();
        ILogger log = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger("VAI.Bench");
        using var loader = new RomLoader(options.RomDirectory, TimeSpan.FromMinutes(30), log);
        Step("burning, unless it is burned");
        Attach(loader).Dispose();
        long attachPrivate = 0, loadPrivate = 0;
        var attach = new List<TimeSpan>();
        var load = new List<TimeSpan>();
        for (int i = 0; i < options.Loads; i++)
        {
            Step($"loading, {i + 1} of {options.Loads}");
            attachPrivate = Timed(attach, () => Attach(loader), attachPrivate);
            loadPrivate = Timed(load, () => Own(), loadPrivate);
        }

        using Weights rom = Attach(loader);
        using LlamaModel own = Own();
        using var pool = new LlamaThreadpool(options.Threads ?? Cores.Physical);
        long start = Stopwatch.GetTimestamp();
        using LlamaContext romContext = Context(rom.Model, pool);
        TimeSpan sram = Stopwatch.GetElapsedTime(start);
        using LlamaContext ownContext = Context(own, pool);
        var pairs = new List<(Speed Rom, Speed Own)>();
        Step("warming up");
        var warm = new WarmUp(WarmUp.MostRounds(options.Rounds));
        while (!warm.IsDone)
            warm.Add((Measure(romContext).Decode + Measure(ownContext).Decode).TotalMilliseconds);
        for (int i = 0; i < options.Rounds; i++)
        {
            Step($"round {i + 1} of {options.Rounds}");

            // In turns, so that neither always follows the other.
            Speed first = Measure(i % 2 == 0 ? romContext : ownContext);
            Speed second = Measure(i % 2 == 0 ? ownContext : romContext);
            pairs.Add(i % 2 == 0 ? (first, second) : (second, first));
        }

        return new AttachBenchmarkResult
        {
            Load = Statistics.Median(load),
            Attach = Statistics.Median(attach),
            Loads = load,
            Attaches = attach,
            Sram = sram,
            SramTokens = _cells,
            PrefillRatio = Statistics.Median(pairs.Select(p => p.Own.Prefill / p.Rom.Prefill)),
            DecodeRatio = Statistics.Median(pairs.Select(p => p.Own.Decode / p.Rom.Decode)),
            PrefillTokensPerSecond = options.PromptTokens / Statistics.Median(pairs.Select(p => p.Rom.Prefill.TotalSeconds)),
            DecodeTokensPerSecond = options.DecodeTokens / Statistics.Median(pairs.Select(p => p.Rom.Decode.TotalSeconds)),
            SameTokens = pairs.All(p => p.Rom.Tokens.SequenceEqual(p.Own.Tokens)),
            PrivateBytes = attachPrivate,
            LoadPrivateBytes = loadPrivate,
            RomBytes = rom.Hold!.File.Header.ImageBytes,
            FileBytes = rom.Info.FileBytes,
            Packed = rom.Hold.Entry.Packed,
        };
    }

    private Weights Attach(RomLoader loader) => loader.Load(
        _model,
        new LlamaModelSettings(),
        static _ => { },
        (phase, fraction) =>
        {
            if (phase == LoadPhase.Burning)
                progress?.Report(new BenchProgress($"burning, {fraction:P0}", 0));
        },
        cancellation);

    private LlamaModel Own() => LlamaModel.Load(options.File, new LlamaModelSettings { Repack = true }, null, cancellation);

    private static long Timed(List<TimeSpan> times, Func<IDisposable> load, long previous)
    {
        // Pages of an earlier load that the C heap has kept would be used again and not count.
        _ = LibcNative.malloc_trim(0);
        long before = PrivateBytes();
        long start = Stopwatch.GetTimestamp();
        using IDisposable loaded = load();
        times.Add(Stopwatch.GetElapsedTime(start));
        return Math.Max(previous, PrivateBytes() - before);
    }

    private LlamaContext Context(LlamaModel model, LlamaThreadpool pool)
    {
        var context = new LlamaContext(model, new LlamaContextSettings
        {
            Cells = _cells,
            BatchSize = options.PromptTokens,
            MicroBatchSize = options.PromptTokens,
            MaxSequences = 1,
            Threads = pool.Threads,
        });
        context.Attach(pool);
        return context;
    }

    private Speed Measure(LlamaContext context)
    {
        context.Clear(0);
        context.Batch.Clear();
        for (int i = 0; i < options.PromptTokens; i++)
            context.Batch.Add((int)((13 + (i * 7919L)) % context.Vocabulary), i, 0, logits: i == options.PromptTokens - 1);
        long start = Stopwatch.GetTimestamp();
        Decode(context);
        int[] tokens = new int[options.DecodeTokens];
        tokens[0] = Greedy(context, options.PromptTokens - 1);
        TimeSpan prefill = Stopwatch.GetElapsedTime(start);
        start = Stopwatch.GetTimestamp();
        for (int i = 0; i < tokens.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            context.Batch.Clear();
            context.Batch.Add(tokens[i], options.PromptTokens + i, 0, logits: true);
            Decode(context);
            int next = Greedy(context, 0);
            if (i + 1 < tokens.Length)
                tokens[i + 1] = next;
        }

        return new Speed(prefill, Stopwatch.GetElapsedTime(start), tokens);
    }

    private static int Greedy(LlamaContext context, int row)
    {
        ReadOnlySpan<float> logits = context.Logits(row);
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
            best = logits[i] > logits[best] ? i : best;
        return best;
    }

    private static void Decode(LlamaContext context)
    {
        if (context.Decode() != DecodeStatus.Ok)
            throw new VaiEngineException(VaiError.NativeFailure, "A step of the benchmark failed. Run it again with --verbose and report the log.");
    }

    // Memory that is no file's (proc_pid_smaps(5)): "Private" would count pages of a ROM that nobody else maps at the moment.
    private static long PrivateBytes() => File.ReadLines("/proc/self/smaps_rollup")
        .Where(l => l.StartsWith("Anonymous:", StringComparison.Ordinal))
        .Sum(l => long.Parse(l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024);

    private void Step(string phase)
    {
        cancellation.ThrowIfCancellationRequested();
        progress?.Report(new BenchProgress(phase, (double)_step++ / (2 + options.Loads + options.Rounds)));
    }

    private sealed record Speed(TimeSpan Prefill, TimeSpan Decode, int[] Tokens);
}
