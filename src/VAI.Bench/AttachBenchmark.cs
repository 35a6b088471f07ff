using Microsoft.Extensions.Logging;
using VAI.OptionRules;

namespace VAI.Bench;

/// <summary>What <see cref="AttachBenchmark"/> measures, and how long.</summary>
public sealed record AttachBenchmarkOptions
{
    /// <summary>The GGUF file. It is burned if it is not yet.</summary>
    public required string File { get; init; }

    /// <summary>How often each load is timed, 1 to 1,000.</summary>
    public int Loads { get; init; } = 3;

    /// <summary>Pairs of prefill and decode, 1 to 100,000.</summary>
    public int Rounds { get; init; } = 8;

    /// <summary>Tokens of a prompt, 1 to 4,096.</summary>
    public int PromptTokens { get; init; } = 64;

    /// <summary>Tokens to decode after it, 1 to 4,096.</summary>
    public int DecodeTokens { get; init; } = 16;

    /// <summary>As <see cref="VaiOptions.Threads"/>.</summary>
    public int? Threads { get; init; }

    /// <summary>As <see cref="VaiOptions.RomDirectory"/>.</summary>
    public string? RomDirectory { get; init; }
}

/// <summary>What attaching a ROM costs, against llama.cpp's own load of the same file. Times are medians.</summary>
public sealed record AttachBenchmarkResult
{
    /// <summary>llama.cpp's own load with its default, repacked weights.</summary>
    public required TimeSpan Load { get; init; }

    /// <summary>The times that <see cref="Load"/> is the median of.</summary>
    internal IReadOnlyList<TimeSpan> Loads { get; init; } = [];

    /// <summary>The same of <see cref="Attach"/>.</summary>
    internal IReadOnlyList<TimeSpan> Attaches { get; init; } = [];

    /// <summary>
    /// From the ROM's header to a model with its vocabulary, with everything that a load by <see cref="IVai"/> does but the
    /// clearing of the SRAM bank, which both kinds of load need alike.
    /// </summary>
    public required TimeSpan Attach { get; init; }

    /// <summary>Clearing a SRAM bank of <see cref="SramTokens"/>: what comes on top of either.</summary>
    public required TimeSpan Sram { get; init; }

    /// <summary>Tokens of that bank.</summary>
    public required int SramTokens { get; init; }

    /// <summary><see cref="Load"/> over <see cref="Attach"/>.</summary>
    public double Ratio => Load / Attach;

    /// <summary>Speed of prefill from the ROM over that of llama.cpp's own load; the median of pairs.</summary>
    public required double PrefillRatio { get; init; }

    /// <summary>The same of decoding.</summary>
    public required double DecodeRatio { get; init; }

    /// <summary>Prompt tokens a second, from the ROM.</summary>
    public required double PrefillTokensPerSecond { get; init; }

    /// <summary>Decoded tokens a second, from the ROM.</summary>
    public required double DecodeTokensPerSecond { get; init; }

    /// <summary>Whether both gave the same tokens in every round.</summary>
    public required bool SameTokens { get; init; }

    /// <summary>Memory of this process alone that attaching took, in bytes.</summary>
    public required long PrivateBytes { get; init; }

    /// <summary>The same of llama.cpp's own load.</summary>
    public required long LoadPrivateBytes { get; init; }

    /// <summary>Size of the ROM.</summary>
    public required long RomBytes { get; init; }

    /// <summary>Size of the file.</summary>
    public required long FileBytes { get; init; }

    /// <summary>Whether the ROM's weights are packed.</summary>
    public required bool Packed { get; init; }
}

/// <summary>
/// Times a ROM's attachment against llama.cpp's own repacked load, then runs both side by side, in turns, on one thread pool.
/// </summary>
public static class AttachBenchmark
{
    /// <summary>Runs it.</summary>
    /// <param name="options">What to measure.</param>
    /// <param name="loggerFactory">Where VAI logs to; null for nowhere.</param>
    /// <param name="progress">Told of each step.</param>
    /// <param name="cancellationToken">Stops it at the next step.</param>
    /// <returns>What was measured.</returns>
    /// <exception cref="VaiException">An option is out of range, or the model cannot be burned or loaded.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<AttachBenchmarkResult> RunAsync(
        AttachBenchmarkOptions options,
        ILoggerFactory? loggerFactory = null,
        IProgress<BenchProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        OptionCheck.Range(options.Loads, 1, 1000, nameof(options.Loads));
        OptionCheck.Range(options.Rounds, 1, 100_000, nameof(options.Rounds));
        OptionCheck.Range(options.PromptTokens, 1, 4096, nameof(options.PromptTokens));
        OptionCheck.Range(options.DecodeTokens, 1, 4096, nameof(options.DecodeTokens));
        return Task.Factory.StartNew(
            () => new AttachRun(options, loggerFactory, progress, cancellationToken).Run(),
            cancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
    }
}
