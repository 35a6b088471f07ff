using Microsoft.Extensions.Logging;

namespace VAI.Bench;

/// <summary>
/// Measures the pipeline on two resident models: both at once, switching, reuse of what is computed, forking and parking, many
/// sessions, and one session against a bare loop.
/// </summary>
/// <remarks>
/// Prompts are random tokens, never twice the same unless that is what is measured, and no generation ends early. What is compared
/// runs in pairs, every other pair in reverse, so that slow drift of the machine weighs on both sides alike. Step
/// times come from VAI's meters, which are the process's: no other engine may run models of the same names meanwhile.
/// </remarks>
public static class PipelineBenchmark
{
    /// <summary>Runs it on an engine of its own, which is gone afterwards; each model is loaded once.</summary>
    /// <param name="options">What to measure.</param>
    /// <param name="loggerFactory">Where VAI and llama.cpp log to; null for nowhere.</param>
    /// <param name="progress">Told of each step; may be called from any thread.</param>
    /// <param name="cancellationToken">Stops the benchmark at the next token.</param>
    /// <returns>What was measured.</returns>
    /// <exception cref="VaiException">An option is out of range, or a model cannot be loaded or run.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task<PipelineBenchmarkResult> RunAsync(
        PipelineBenchmarkOptions options,
        ILoggerFactory? loggerFactory = null,
        IProgress<BenchProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        await using IVai vai = Vai.Create(new VaiOptions { Threads = options.Threads, RomDirectory = options.RomDirectory }, loggerFactory);
        return await new PipelineRun(vai, options, progress, cancellationToken).RunAsync().ConfigureAwait(false);
    }
}
