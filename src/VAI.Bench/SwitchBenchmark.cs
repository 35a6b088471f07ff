using Microsoft.Extensions.Logging;

namespace VAI.Bench;

/// <summary>
/// Measures the context switch: two models stay resident, requests go to one and the other, and the first token after a
/// switch is compared with the first token when staying. Then the same switch is done by freeing and loading.
/// </summary>
/// <remarks>
/// Every request has a session of its own, a first token that no earlier one had, so that nothing of it is computed yet, and samples
/// greedily. Each model answers each prompt before anything is measured, until its first tokens take as long as before. Every other round runs in
/// reverse, so that slow drift of the machine weighs on both sides alike.
/// </remarks>
public static class SwitchBenchmark
{
    /// <summary>The prompts, asked in turn.</summary>
    public static IReadOnlyList<string> Prompts { get; } =
    [
        "Write Verilog AND gate",
        "Write Verilog D flip-flop",
        "Write Verilog UART transmitter",
        "Write Verilog clock domain crossing synchroniser",
        "Write Verilog finite state machine",
    ];

    /// <summary>Runs it on an engine of its own, which is gone afterwards.</summary>
    /// <param name="options">What to measure.</param>
    /// <param name="loggerFactory">Where VAI and llama.cpp log to; null for nowhere.</param>
    /// <param name="progress">Told of each step; may be called from any thread.</param>
    /// <param name="cancellationToken">Stops the benchmark at the next token.</param>
    /// <returns>What was measured.</returns>
    /// <exception cref="VaiException">An option is out of range, or a model cannot be loaded or run.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task<SwitchBenchmarkResult> RunAsync(
        SwitchBenchmarkOptions options,
        ILoggerFactory? loggerFactory = null,
        IProgress<BenchProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        await using IVai vai = Vai.Create(new VaiOptions { Threads = options.Threads, RomDirectory = options.RomDirectory }, loggerFactory);
        return await RunAsync(vai, options, progress, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Runs it on an engine that exists. Models of these names and files that are loaded already are used as they are;
    /// they are unloaded and loaded on the way, so that handles to them end, and both are loaded at the end.
    /// </summary>
    /// <param name="vai">The engine; nothing else may use the two models meanwhile.</param>
    /// <param name="options">What to measure.</param>
    /// <param name="progress">Told of each step; may be called from any thread.</param>
    /// <param name="cancellationToken">Stops the benchmark at the next token.</param>
    /// <returns>What was measured.</returns>
    /// <exception cref="VaiException">An option is out of range, or a model cannot be loaded or run.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<SwitchBenchmarkResult> RunAsync(
        IVai vai,
        SwitchBenchmarkOptions options,
        IProgress<BenchProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(vai);
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        return new SwitchRun(vai, options, progress, cancellationToken).RunAsync();
    }
}
