using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace VAI.Core.Tests;

public sealed class TelemetryTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public async Task A_transaction_is_measured_and_traced()
    {
        var measured = new System.Collections.Concurrent.ConcurrentBag<(string Name, double Value)>();
        using var meters = new MeterListener();
        meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "VAI")
                listener.EnableMeasurementEvents(instrument);
        };
        meters.SetMeasurementEventCallback<double>((i, v, tags, _) => Take(i, v, tags));
        meters.SetMeasurementEventCallback<long>((i, v, tags, _) => Take(i, v, tags));
        meters.SetMeasurementEventCallback<int>((i, v, tags, _) => Take(i, v, tags));
        meters.Start();
        var activities = new System.Collections.Concurrent.ConcurrentBag<Activity>();
        using var traces = new ActivityListener
        {
            ShouldListenTo = s => s.Name == "VAI",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activities.Add,
        };
        ActivitySource.AddActivityListener(traces);

        await using IVai vai = Vai.Create(o => o.AddModel("traced", Models["tiny"]).AddModel("other", Models["tiny-qwen3"]));
        IModelContext model = vai.Select(await vai.LoadAsync("traced"));
        IModelContext other = vai.Select(await vai.LoadAsync("other"));
        await using IInferenceSession session = model.OpenSession();
        await ReadAsync(session.InferAsync(new int[10], Greedy(5)));
        await using (IInferenceSession elsewhere = other.OpenSession())
            await ReadAsync(elsewhere.InferAsync(Prompt, Greedy(2)));
        await ReadAsync(session.InferAsync((int[])[4], Greedy(5)));

        Activity[] own = [.. activities.Where(a => a.GetTagItem("gen_ai.request.model") is "traced").OrderBy(a => a.StartTimeUtc)];
        Assert.Equal(2, own.Length);
        Assert.Equal("text_completion traced", own[0].OperationName);
        Assert.Equal((10, 5, 0), (own[0].GetTagItem("gen_ai.usage.input_tokens"), own[0].GetTagItem("gen_ai.usage.output_tokens"), own[0].GetTagItem("vai.token.reused")));
        Assert.Equal(14, own[1].GetTagItem("vai.token.reused"));
        Assert.Equal(2, Count("gen_ai.server.time_to_first_token"));
        Assert.Equal(2, Count("gen_ai.server.time_per_output_token"));
        Assert.Equal(2, Count("gen_ai.server.request.duration"));
        Assert.Equal(2, Count("vai.queue.duration"));
        Assert.Equal(8, Count("vai.token.interval"));
        Assert.Equal(10, Count("vai.step.rows"));
        Assert.Equal(1, Count("vai.model.switches"));
        Assert.Equal(14, measured.Where(m => m.Name == "vai.token.reused").Sum(m => m.Value));
        Assert.Equal(21, measured.Where(m => m.Name == "gen_ai.client.token.usage").Sum(m => m.Value));
        Assert.All(measured, m => Assert.True(m.Value >= 0));

        int Count(string name) => measured.Count(m => m.Name == name);

        void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (tags[0].Value is "traced")
                measured.Add((instrument.Name, value));
        }
    }
}
