using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace VAI.Diagnostics;

/// <summary>
/// Meters and activities, named <see cref="Name"/>. Names are OpenTelemetry's gen_ai ones where they exist (semantic conventions
/// for generative AI), else <c>vai.</c>; times are in seconds. Without a listener each costs a comparison.
/// </summary>
internal static class Telemetry
{
    public const string Name = "VAI";
    private const string Operation = "text_completion";
    private const string ModelTag = "gen_ai.request.model";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);

    private static readonly Histogram<double> FirstToken = Meter.CreateHistogram<double>(
        "gen_ai.server.time_to_first_token", "s", "From the start of a transaction to its first token.");

    private static readonly Histogram<double> PerToken = Meter.CreateHistogram<double>(
        "gen_ai.server.time_per_output_token", "s", "Mean time of a transaction's tokens after the first.");

    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>(
        "gen_ai.server.request.duration", "s", "From the start of a transaction to its last token.");

    private static readonly Histogram<long> Usage = Meter.CreateHistogram<long>(
        "gen_ai.client.token.usage", "{token}", "Tokens of a transaction's prompt, and generated ones.");

    private static readonly Histogram<double> Interval = Meter.CreateHistogram<double>(
        "vai.token.interval", "s", "Between two tokens of one transaction.");

    private static readonly Histogram<double> Queue = Meter.CreateHistogram<double>(
        "vai.queue.duration", "s", "From the start of a transaction to its place in the bank.");

    private static readonly Histogram<int> Rows = Meter.CreateHistogram<int>(
        "vai.step.rows", "{token}", "Tokens computed together in one step.");

    private static readonly Histogram<double> Steps = Meter.CreateHistogram<double>(
        "vai.step.duration", "s", "One step of the pipeline.");

    private static readonly Counter<long> Reused = Meter.CreateCounter<long>(
        "vai.token.reused", "{token}", "Tokens that were in the KV already.");

    private static readonly Counter<long> Switches = Meter.CreateCounter<long>(
        "vai.model.switches", "{switch}", "Steps of another model than the one before, by the model switched to.");

    public static Activity? Start(string model)
    {
        if (!Source.HasListeners())
            return null;
        Activity? activity = Source.StartActivity($"{Operation} {model}", ActivityKind.Internal);
        return activity?.SetTag("gen_ai.operation.name", Operation).SetTag("gen_ai.provider.name", "vai").SetTag(ModelTag, model);
    }

    /// <param name="activity">Its activity; null for none.</param>
    /// <param name="model">The model.</param>
    /// <param name="result">What it came to; null if it did not.</param>
    public static void Ended(Activity? activity, string model, InferenceResult? result)
    {
        if (result is null)
        {
            activity?.SetStatus(ActivityStatusCode.Error);
            return;
        }

        activity?.SetTag("gen_ai.usage.input_tokens", result.PromptTokens)
            .SetTag("gen_ai.usage.output_tokens", result.GeneratedTokens)
            .SetTag("gen_ai.response.finish_reasons", new[] { result.FinishReason.ToString() })
            .SetTag("vai.token.reused", result.ReusedTokens)
            .SetTag("vai.switch_class", result.SwitchClass.ToString());
        var tag = new KeyValuePair<string, object?>(ModelTag, model);
        FirstToken.Record(result.FirstTokenTime.TotalSeconds, tag);
        Duration.Record(result.TotalTime.TotalSeconds, tag);
        Queue.Record(result.QueueTime.TotalSeconds, tag);
        if (result.TokensPerSecond > 0)
            PerToken.Record(1 / result.TokensPerSecond, tag);
        Usage.Record(result.PromptTokens, tag, new("gen_ai.token.type", "input"));
        Usage.Record(result.GeneratedTokens, tag, new("gen_ai.token.type", "output"));
        Reused.Add(result.ReusedTokens, tag);
    }

    public static void TokenAfter(string model, long last, long now)
    {
        if (Interval.Enabled)
            Interval.Record(Stopwatch.GetElapsedTime(last, now).TotalSeconds, new KeyValuePair<string, object?>(ModelTag, model));
    }

    public static void Stepped(string model, int rows, long start)
    {
        if (Rows.Enabled)
            Rows.Record(rows, new KeyValuePair<string, object?>(ModelTag, model));
        if (Steps.Enabled)
            Steps.Record(Stopwatch.GetElapsedTime(start).TotalSeconds, new KeyValuePair<string, object?>(ModelTag, model));
    }

    public static void Switched(string model) => Switches.Add(1, new KeyValuePair<string, object?>(ModelTag, model));
}
