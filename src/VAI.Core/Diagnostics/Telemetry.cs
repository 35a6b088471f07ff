using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.Json;
using VAI.Ai;
using VAI.Residency;

namespace VAI.Diagnostics;

/// <summary>
/// Meters and activities, named <see cref="Name"/>. Names are OpenTelemetry's gen_ai ones where they exist (semantic conventions
/// for generative AI, with the buckets they ask for), else <c>vai.</c>; times are in seconds. Without a listener each costs a comparison.
/// </summary>
/// <remarks>
/// Listeners are foreign code that runs where something is measured. Whatever they throw ends here (<see cref="Listeners"/>): what is measured
/// goes on.
/// </remarks>
internal static class Telemetry
{
    public const string Name = "VAI";
    private const string Operation = "text_completion";
    private const string OperationTag = "gen_ai.operation.name";
    private const string ProviderTag = "gen_ai.provider.name";
    private const string ModelTag = "gen_ai.request.model";
    private const string ErrorTag = "error.type";

    // Null where a listener threw when it was told of it: then there are no activities.
    private static readonly ActivitySource? Source = Listeners.Made(static () => new ActivitySource(Name));
    private static readonly Meter Meter = new(Name);

    private static readonly Histogram<double>? FirstToken = Listeners.Made(Meter, static meter => meter.CreateHistogram(
        "gen_ai.server.time_to_first_token", "s", "From the start of a transaction to its first token.", null,
        Buckets(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)));

    private static readonly Histogram<double>? PerToken = Listeners.Made(Meter, static meter => meter.CreateHistogram(
        "gen_ai.server.time_per_output_token", "s", "Mean time of a transaction's tokens after the first.", null,
        Buckets(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5)));

    private static readonly Histogram<double>? Duration = Listeners.Made(Meter, static meter => meter.CreateHistogram(
        "gen_ai.server.request.duration", "s", "From the start of a transaction to its last token, or to its failure.", null,
        Buckets(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)));

    private static readonly Histogram<long>? Usage = Listeners.Made(Meter, static meter => meter.CreateHistogram(
        "gen_ai.client.token.usage", "{token}", "Tokens of a transaction's prompt, and generated ones.", null,
        Buckets<long>(1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864)));

    private static readonly Histogram<double>? Interval = Listeners.Made(Meter, static meter => meter.CreateHistogram<double>(
        "vai.token.interval", "s", "Between two tokens of one transaction."));

    private static readonly Histogram<double>? Queue = Listeners.Made(Meter, static meter => meter.CreateHistogram<double>(
        "vai.queue.duration", "s", "From the start of a transaction to its place in the bank."));

    private static readonly Histogram<int>? Rows = Listeners.Made(Meter, static meter => meter.CreateHistogram<int>(
        "vai.step.rows", "{token}", "Tokens computed together in one step."));

    private static readonly Histogram<double>? Steps = Listeners.Made(Meter, static meter => meter.CreateHistogram<double>(
        "vai.step.duration", "s", "One step of the pipeline."));

    private static readonly Counter<long>? Reused = Listeners.Made(Meter, static meter => meter.CreateCounter<long>(
        "vai.kv.reused.tokens", "{token}", "Tokens that were in the KV already."));

    private static readonly Histogram<double>? Switch = Listeners.Made(Meter, static meter => meter.CreateHistogram(
        "vai.model.switch.duration", "s", "From the end of a step, or waking up, to the start of another model's, by the model switched to.", null,
        Buckets(1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 1e-2, 0.1)));

    static Telemetry()
    {
        Listeners.Made(Meter, static meter => meter.CreateObservableUpDownCounter(
            "vai.model.resident.bytes", ResidentModels.Bytes, "By", "What resident models take, by kind: rom, which processes share, kv, scratch, output."));
        Listeners.Made(Meter, static meter => meter.CreateObservableUpDownCounter(
            "vai.kv.used.tokens", ResidentModels.UsedCells, "{token}", "Cells of the KV cache that hold a token, shared ones counted once."));
    }

    public static void Loaded(ModelContext model) => ResidentModels.Add(model);

    public static void Unloaded(ModelContext model) => ResidentModels.Remove(model);

    /// <summary>The measurement is of this model.</summary>
    public static KeyValuePair<string, object?> Of(string model) => new(ModelTag, model);

    /// <summary>A transaction's activity, which <see cref="Succeeded"/> or <see cref="Failed"/> stops; null if nobody wants it.</summary>
    public static Activity? Start(string model) => Source?.HasListeners() == true
        ? Source.Begin($"{Operation} {model}", new(OperationTag, Operation), new(ProviderTag, Provider.Name), Of(model))
        : null;

    public static void Succeeded(Activity? activity, string model, InferenceResult result)
    {
        activity?.SetTag("gen_ai.usage.input_tokens", result.PromptTokens)
            .SetTag("gen_ai.usage.output_tokens", result.GeneratedTokens)
            .SetTag("gen_ai.response.finish_reasons", new[] { Reason(result.FinishReason) })
            .SetTag("vai.kv.reused.tokens", result.ReusedTokens)
            .SetTag("vai.switch_class", result.SwitchClass.ToString());
        TagList tags = Tags(model);
        FirstToken.Measure(result.FirstTokenTime.TotalSeconds, tags);
        Duration.Measure(result.TotalTime.TotalSeconds, tags);
        if (result.TokensPerSecond > 0)
            PerToken.Measure(1 / result.TokensPerSecond, tags);
        Queue.Measure(result.QueueTime.TotalSeconds, Of(model));
        Reused.Count(result.ReusedTokens, Of(model));
        if (Usage?.Enabled == true)
        {
            TagList output = tags;
            tags.Add("gen_ai.token.type", "input");
            output.Add("gen_ai.token.type", "output");
            Usage.Measure(result.PromptTokens, tags);
            Usage.Measure(result.GeneratedTokens, output);
        }

        activity.End();
    }

    /// <param name="activity">Its activity; null for none.</param>
    /// <param name="model">The model.</param>
    /// <param name="start">When it began, as a <see cref="Stopwatch"/> timestamp.</param>
    /// <param name="error">Why there is no result; null for a reader that left.</param>
    public static void Failed(Activity? activity, string model, long start, Exception? error)
    {
        if (activity is null && Duration?.Enabled != true)
            return;
        string type = error switch
        {
            VaiException vai => JsonNamingPolicy.SnakeCaseLower.ConvertName(vai.Code.ToString()),
            null or OperationCanceledException or ObjectDisposedException => "cancelled",
            _ => error.GetType().FullName!,
        };
        activity?.SetTag(ErrorTag, type).SetStatus(ActivityStatusCode.Error, error is VaiException ? error.Message : null);
        TagList tags = Tags(model);
        tags.Add(ErrorTag, type);
        Duration.Measure(Stopwatch.GetElapsedTime(start).TotalSeconds, tags);
        activity.End();
    }

    public static void TokenAfter(string model, long last, long now)
    {
        if (Interval?.Enabled == true)
            Interval.Measure(Stopwatch.GetElapsedTime(last, now).TotalSeconds, Of(model));
    }

    public static void Stepped(string model, int rows, long start)
    {
        if (Rows?.Enabled == true)
            Rows.Measure(rows, Of(model));
        if (Steps?.Enabled == true)
            Steps.Measure(Stopwatch.GetElapsedTime(start).TotalSeconds, Of(model));
    }

    /// <param name="model">The model switched to.</param>
    /// <param name="free">When the pipeline had nothing else to do any more.</param>
    /// <param name="start">When the model's step began.</param>
    public static void Switched(string model, long free, long start)
    {
        if (Switch?.Enabled == true)
            Switch.Measure(Stopwatch.GetElapsedTime(free, start).TotalSeconds, Of(model));
    }

    private static TagList Tags(string model) => new() { { OperationTag, Operation }, { ProviderTag, Provider.Name }, { ModelTag, model } };

    private static string Reason(FinishReason reason) => reason switch
    {
        FinishReason.EndOfSequence or FinishReason.StopString => "stop",
        FinishReason.Deadline => "deadline",
        _ => "length",
    };

    private static InstrumentAdvice<double> Buckets(params double[] bounds) => Buckets<double>(bounds);

    private static InstrumentAdvice<T> Buckets<T>(params T[] bounds)
        where T : struct => new() { HistogramBucketBoundaries = bounds };
}
