using System.Globalization;
using System.Text.Json;

namespace VAI.Bench.Report;

/// <summary>What a process says of the model that it holds, and of its first answers.</summary>
/// <param name="LoadMs">From nothing to a model that can be asked, in milliseconds.</param>
/// <param name="FirstAt">When the first token of its life came, as a timestamp of <see cref="System.Diagnostics.Stopwatch"/>.</param>
/// <param name="FirstMs">First token of a later request, in milliseconds; the median of some.</param>
/// <param name="TokensPerSecond">Of those requests, after the first token; median.</param>
/// <param name="PrivateBytes">Memory that is no file's.</param>
internal sealed record HeldModel(double LoadMs, long FirstAt, double FirstMs, double TokensPerSecond, long PrivateBytes);

/// <summary>
/// A process that holds models and measures when it is asked to, by a line each: this program's verb <c>hold</c>, or any other that speaks like it,
/// as benchmarks/VAI.Benchmarks.LLamaSharp.
/// </summary>
internal sealed class HeldProgram : IDecoding, IAsyncDisposable
{
    private readonly ChildProcess _process;

    private HeldProgram(ChildProcess process, HeldModel model) => (_process, Model) = (process, model);

    public int Id => _process.Id;

    public HeldModel Model { get; }

    /// <summary>From the start of the process to its first token, in milliseconds.</summary>
    public double StartMs => System.Diagnostics.Stopwatch.GetElapsedTime(_process.Started, Model.FirstAt).TotalMilliseconds;

    /// <summary>Starts it and waits until it holds its models.</summary>
    /// <exception cref="VaiEngineException">It ended, or says what is not understood.</exception>
    public static async Task<HeldProgram> StartAsync(IReadOnlyList<string> command, CancellationToken cancellation)
    {
        var process = ChildProcess.Start(command);
        try
        {
            JsonElement said = await AskAsync(process, null, cancellation).ConfigureAwait(false);
            return new HeldProgram(process, new HeldModel(
                Number(process, said, "load_ms"), (long)Number(process, said, "first_at"), Number(process, said, "first_ms"),
                Number(process, said, "tokens_per_second"), (long)Number(process, said, "private_bytes")));
        }
        catch
        {
            await process.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public Task<double> MeasureAsync(TimeSpan settling, TimeSpan window, CancellationToken cancellationToken) =>
        MeasureAsync(settling, window, 1, cancellationToken);

    /// <summary>The same of so many streams at once, together.</summary>
    public Task<double> MeasureAsync(TimeSpan settling, TimeSpan window, int streams, CancellationToken cancellationToken) => AskAsync(
        string.Create(CultureInfo.InvariantCulture, $"decode {settling.TotalMilliseconds} {window.TotalMilliseconds} {streams}"), "tokens_per_second", cancellationToken);

    /// <summary>What choosing one of its models takes, in nanoseconds. Of this program alone.</summary>
    public Task<double> SelectAsync(CancellationToken cancellationToken) => AskAsync("select", "select_ns", cancellationToken);

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private async Task<double> AskAsync(string line, string field, CancellationToken cancellation) =>
        Number(_process, await AskAsync(_process, line, cancellation).ConfigureAwait(false), field);

    private static async Task<JsonElement> AskAsync(ChildProcess process, string? line, CancellationToken cancellation)
    {
        string said = await process.AskAsync(line, cancellation).ConfigureAwait(false);
        try
        {
            using var document = JsonDocument.Parse(said);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw process.Ended($"says '{said}', which is no JSON");
        }
    }

    private static double Number(ChildProcess process, JsonElement said, string field) =>
        said.ValueKind == JsonValueKind.Object && said.TryGetProperty(field, out JsonElement value) && value.TryGetDouble(out double number)
            ? number
            : throw process.Ended($"does not say {field} but '{said}'");
}
