using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using VAI.Diagnostics;

namespace VAI.Core.Tests.Diagnostics;

public sealed class TelemetryTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public async Task A_transaction_is_measured_and_traced()
    {
        using MetricCollector<double> first = Of<double>("gen_ai.server.time_to_first_token"), perToken = Of<double>("gen_ai.server.time_per_output_token");
        using MetricCollector<double> duration = Of<double>("gen_ai.server.request.duration"), queue = Of<double>("vai.queue.duration");
        using MetricCollector<double> interval = Of<double>("vai.token.interval"), switched = Of<double>("vai.model.switch.duration");
        using MetricCollector<int> rows = Of<int>("vai.step.rows");
        using MetricCollector<long> reused = Of<long>("vai.kv.reused.tokens"), usage = Of<long>("gen_ai.client.token.usage");
        using var traces = new Traces();
        await using IVai vai = Vai.Create(o => o.AddModel("traced", Models["tiny"]).AddModel("other", Models["tiny-qwen3"]));
        IModelContext model = vai.Select(await vai.LoadAsync("traced"));
        IModelContext other = vai.Select(await vai.LoadAsync("other"));
        await using IInferenceSession session = model.OpenSession();
        await ReadAsync(session.InferAsync(new int[10], Greedy(5)));
        await using (IInferenceSession elsewhere = other.OpenSession())
            await ReadAsync(elsewhere.InferAsync(Prompt, Greedy(2)));
        await ReadAsync(session.InferAsync((int[])[4], Greedy(5)));

        Activity[] own = traces.Of("traced");
        Assert.Equal(2, own.Length);
        Assert.Equal("text_completion traced", own[0].OperationName);
        Assert.Equal((10, 5, 0), (own[0].GetTagItem("gen_ai.usage.input_tokens"), own[0].GetTagItem("gen_ai.usage.output_tokens"), own[0].GetTagItem("vai.kv.reused.tokens")));
        Assert.Equal(14, own[1].GetTagItem("vai.kv.reused.tokens"));
        Assert.Equal(["length"], (string[])own[1].GetTagItem("gen_ai.response.finish_reasons")!);
        Assert.Equal((2, 2, 2, 2), (Count(first), Count(perToken), Count(duration), Count(queue)));
        Assert.Equal((8, 10, 1), (Count(interval), Count(rows), Count(switched)));
        Assert.Equal(14, Traced(reused).Sum(m => m.Value));
        Assert.Equal(21, Traced(usage).Sum(m => m.Value));
        Assert.All(Traced(switched), m => Assert.True(m.Value >= 0));
        foreach (CollectedMeasurement<double> m in Traced(first).Concat(Traced(perToken)).Concat(Traced(duration)))
        {
            Assert.True(m.Value > 0);
            Assert.Equal(("text_completion", "vai", false), (m.Tags["gen_ai.operation.name"], m.Tags["gen_ai.provider.name"], m.Tags.ContainsKey("error.type")));
        }
    }

    [Fact]
    public async Task What_fails_says_its_type_in_the_trace_and_in_the_duration_alone()
    {
        using MetricCollector<double> duration = Of<double>("gen_ai.server.request.duration"), first = Of<double>("gen_ai.server.time_to_first_token");
        using var traces = new Traces();
        await using IVai vai = Vai.Create(o => o.AddModel("traced", Models["tiny"], m => m.ContextLength = 64));
        IModelContext model = vai.Select(await vai.LoadAsync("traced"));
        await using IInferenceSession session = model.OpenSession(new SessionOptions { BufferedUpdates = 1 });
        await ThrowsAsync<VaiUsageException>(VaiError.ContextFull, () => ReadAsync(session.InferAsync(new int[64], Greedy(5))));
        await foreach (InferenceUpdate _ in session.InferAsync(new int[10], Greedy(40)))
            break;

        object?[] types = ["context_full", "cancelled"];
        Assert.Equal(types, Traced(duration).Select(m => m.Tags["error.type"]));
        Assert.Equal(types, traces.Of("traced").Select(a => a.GetTagItem("error.type")));
        Assert.All(traces.Of("traced"), a => Assert.Equal(ActivityStatusCode.Error, a.Status));
        Assert.Equal(0, Count(first));
    }

    [Fact]
    public async Task What_is_resident_and_in_the_KV_is_told_as_long_as_it_is()
    {
        using MetricCollector<long> bytes = Of<long>("vai.model.resident.bytes"), used = Of<long>("vai.kv.used.tokens");
        await using IVai vai = Vai.Create(o => o.AddModel("traced", Models["tiny"]));
        ModelHandle handle = await vai.LoadAsync("traced");
        IModelContext model = vai.Select(handle);
        await using (IInferenceSession session = model.OpenSession())
            await ReadAsync(session.InferAsync(new int[10], Greedy(5)));
        used.RecordObservableInstruments();
        bytes.RecordObservableInstruments();
        Assert.Equal(14, Traced(used)[^1].Value);
        Assert.Equal(model.Memory!.RomBytes + model.Memory.DynamicBytes, Traced(bytes).Sum(m => m.Value));
        Assert.Equal(["rom", "kv", "scratch", "output"], Traced(bytes).Select(m => m.Tags["vai.memory.kind"]));

        await vai.UnloadAsync(handle);
        used.Clear();
        used.RecordObservableInstruments();
        Assert.Equal(0, Count(used));
    }

    [Theory]
    [InlineData("gen_ai.server.request.duration", 14, 0.01, 81.92)]
    [InlineData("gen_ai.server.time_to_first_token", 16, 0.001, 10)]
    [InlineData("gen_ai.server.time_per_output_token", 13, 0.01, 2.5)]
    public void Buckets_are_those_of_the_conventions(string name, int count, double least, double most)
    {
        using MetricCollector<double> collector = Of<double>(name);
        RuntimeHelpers.RunClassConstructor(typeof(Telemetry).TypeHandle);
        IReadOnlyList<double> bounds = Assert.IsType<Histogram<double>>(collector.Instrument).Advice!.HistogramBucketBoundaries!;
        Assert.Equal((count, least, most), (bounds.Count, bounds[0], bounds[^1]));
    }

    private static MetricCollector<T> Of<T>(string instrument)
        where T : struct => new(null, "VAI", instrument);

    private static CollectedMeasurement<T>[] Traced<T>(MetricCollector<T> collector)
        where T : struct => [.. collector.GetMeasurementSnapshot().Where(m => m.Tags["gen_ai.request.model"] is "traced")];

    private static int Count<T>(MetricCollector<T> collector)
        where T : struct => Traced(collector).Length;

    private sealed class Traces : IDisposable
    {
        private readonly ConcurrentQueue<Activity> _stopped = new();
        private readonly ActivityListener _listener;

        public Traces()
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = s => s.Name == "VAI",
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = _stopped.Enqueue,
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public Activity[] Of(string model) => [.. _stopped.Where(a => a.GetTagItem("gen_ai.request.model") as string == model)];

        public void Dispose() => _listener.Dispose();
    }
}
