using System.Diagnostics;
using LLama;
using LLama.Common;
using LLama.Native;
using LLama.Sampling;
using VAI.Bench;

namespace VAI.Benchmarks.LLamaSharp;

/// <summary>An answer.</summary>
/// <param name="FirstAt">When its first token was there, as a <see cref="Stopwatch"/> timestamp.</param>
/// <param name="FirstMs">How long that took.</param>
/// <param name="TokensPerSecond">Of the tokens after it.</param>
internal sealed record Answer(long FirstAt, double FirstMs, double TokensPerSecond);

/// <summary>One model by LLamaSharp: its context, its batch, its greedy sampling and its decoding of text, with nothing between.</summary>
internal sealed class Engine : IDisposable
{
    private const uint Cells = 2048;
    private const int PromptTokens = 16;

    private readonly LLamaWeights _weights;
    private readonly LLamaContext _context;
    private readonly GreedySamplingPipeline _sampling = new();
    private readonly LLamaBatch _batch = new();
    private readonly StreamingTokenDecoder _text;
    private int _asked;

    public Engine(string file, int threads)
    {
        NativeLibraryConfig.All.WithLogCallback((_, _) => { });
        var parameters = new ModelParams(file) { ContextSize = Cells, Threads = threads, BatchThreads = threads, GpuLayerCount = 0 };
        _weights = LLamaWeights.LoadFromFile(parameters);
        _context = _weights.CreateContext(parameters);
        _text = new StreamingTokenDecoder(_context);
    }

    /// <summary>Answers a prompt that it has not seen. The model cannot end it.</summary>
    public Answer Answer(int tokens)
    {
        long start = Stopwatch.GetTimestamp(), first = 0;
        int left = tokens;
        Generate(() =>
        {
            if (first == 0)
                first = Stopwatch.GetTimestamp();
            return --left > 0;
        });
        return new Answer(
            first, Stopwatch.GetElapsedTime(start, first).TotalMilliseconds, (tokens - 1) / Math.Max(1e-9, Stopwatch.GetElapsedTime(first).TotalSeconds));
    }

    /// <summary>How many tokens come in a second of a window, once the stream has run for a while.</summary>
    public double Decode(TimeSpan settling, TimeSpan window)
    {
        var measured = new DecodeWindow(settling, window);
        bool goesOn = true;
        while (goesOn)
            Generate(() => goesOn = measured.Count());
        return measured.TokensPerSecond;
    }

    public void Dispose()
    {
        _sampling.Dispose();
        _context.Dispose();
        _weights.Dispose();
    }

    private void Generate(Func<bool> more)
    {
        _context.NativeHandle.MemoryClear();
        int number = _asked++;
        var random = new Random(number);
        _batch.Clear();
        for (int i = 0; i < PromptTokens; i++)
            _batch.Add(random.Next(_weights.Vocab.Count), i, LLamaSeqId.Zero, i == PromptTokens - 1);
        for (int position = PromptTokens; ; position++)
        {
            DecodeResult result = _context.Decode(_batch);
            if (result != DecodeResult.Ok)
                throw new InvalidOperationException($"llama_decode returned {result}.");
            LLamaToken token = _sampling.Sample(_context.NativeHandle, _batch.TokenCount - 1);
            _text.Add(token);
            _text.Read();
            if (!more() || position == Cells - 1)
                return;
            _batch.Clear();
            _batch.Add(token, position, LLamaSeqId.Zero, true);
        }
    }
}
