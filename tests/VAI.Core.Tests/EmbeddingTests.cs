using System.Diagnostics.Metrics;
using VAI.Residency;

namespace VAI.Core.Tests;

/// <summary>Texts are jobs like any other: several a step, in the order of their due times, and ended with their engine.</summary>
public sealed class EmbeddingTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public async Task Texts_that_wait_together_are_computed_together_and_are_what_each_is_alone()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny-bert"]);
        await using IVai _ = vai;
        string[] texts = [.. Enumerable.Range(0, 64).Select(i => string.Join(' ', Enumerable.Range(0, 1 + (i * 7 % 60)).Select(w => $"w{(w * i) % 97}")))];
        var alone = new List<ReadOnlyMemory<float>>();
        foreach (string text in texts)
            alone.Add(await model.EmbedAsync(text));
        int steps = 0;
        using var meters = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name == "vai.step.rows")
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        meters.SetMeasurementEventCallback<int>((_, _, tags, _) => steps += tags[0].Value as string == model.Name ? 1 : 0);
        meters.Start();
        (ReadOnlyMemory<float>[] together, long tokens) = await ((IBatchEmbedder)model).EmbedAllAsync(
            [.. texts.Select(t => new EmbeddingInput(t, null))], null, CancellationToken.None);
        Assert.True(tokens > 64);
        Assert.InRange(steps, 1, 63);
        for (int i = 0; i < texts.Length; i++)
        {
            for (int d = 0; d < alone[i].Length; d++)
                Assert.Equal(alone[i].Span[d], together[i].Span[d], 1e-5f);
        }
    }

    [Fact]
    public void Cores_have_contexts_of_their_own_where_these_are_small()
    {
        Assert.Equal(2, Geometry.CoresOfTexts(1 << 20, 2));
        Assert.Equal(0, Geometry.CoresOfTexts(1 << 20, 1));
        Assert.Equal(0, Geometry.CoresOfTexts(1L << 50, 2));
    }

    [Fact]
    public async Task Token_ids_are_embedded_as_they_are()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny-bert"]);
        await using IVai _ = vai;
        const string Text = "a clock domain crossing";
        IReadOnlyList<int> ids = await model.TokenizeAsync(Text, addSpecial: true, parseSpecial: false);
        (ReadOnlyMemory<float>[] vectors, long tokens) = await ((IBatchEmbedder)model).EmbedAllAsync(
            [new EmbeddingInput(null, ids), new EmbeddingInput(Text, null)], null, CancellationToken.None);
        Assert.Equal(2 * ids.Count, tokens);
        for (int d = 0; d < vectors[0].Length; d++)
            Assert.Equal(vectors[1].Span[d], vectors[0].Span[d], 1e-5f);
        await ThrowsAsync<VaiUsageException>(
            VaiError.InvalidOption,
            () => ((IBatchEmbedder)model).EmbedAllAsync([new EmbeddingInput(null, [int.MaxValue])], null, CancellationToken.None));
    }

    [Fact]
    public async Task They_end_when_the_engine_does()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny-bert"]);
        string text = string.Concat(Enumerable.Repeat("word ", 400));
        Task[] tasks = [.. Enumerable.Range(0, 200).Select(_ => model.EmbedAsync(text).AsTask())];
        await vai.DisposeAsync();
        foreach (Task task in tasks)
        {
            Exception? error = await Record.ExceptionAsync(() => task.WaitAsync(TimeSpan.FromSeconds(60)));
            Assert.True(error is null or ObjectDisposedException, $"{error}");
        }

        Assert.True(await Record.ExceptionAsync(() => model.EmbedAsync(text).AsTask()) is VaiUsageException or ObjectDisposedException);
    }

    [Fact]
    public async Task Cancelling_and_deadlines_end_those_they_are_for()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny-bert"]);
        await using IVai _ = vai;
        string text = string.Concat(Enumerable.Repeat("word ", 400));
        using var cancel = new CancellationTokenSource();
        Task[] others = [.. Enumerable.Range(0, 50).Select(_ => model.EmbedAsync(text).AsTask())];
        Task[] cancelled = [.. Enumerable.Range(0, 50).Select(_ => model.EmbedAsync(text, cancel.Token).AsTask())];
        await cancel.CancelAsync();
        foreach (Task task in cancelled)
            Assert.True(await Record.ExceptionAsync(() => task) is null or OperationCanceledException);
        await ThrowsAsync<VaiUsageException>(
            VaiError.DeadlineExceeded, () => model.EmbedAsync(text, new EmbeddingOptions { Deadline = TimeSpan.FromTicks(1) }).AsTask());
        foreach (TimeSpan never in (TimeSpan[])[Timeout.InfiniteTimeSpan, TimeSpan.MaxValue])
            Assert.Equal(model.Info.EmbeddingLength, (await model.EmbedAsync(text, new EmbeddingOptions { Deadline = never })).Length);
        await ThrowsAsync<VaiUsageException>(
            VaiError.InvalidOption, () => model.EmbedAsync(text, new EmbeddingOptions { Deadline = TimeSpan.FromSeconds(-1) }).AsTask());
        await Task.WhenAll(others);
    }

    [Fact]
    public async Task Who_is_due_first_goes_first()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny-bert"]);
        await using IVai _ = vai;
        var context = (ModelContext)model;

        // All come before the first is looked at: the pipeline is held meanwhile.
        using var hold = new ManualResetEventSlim();
        Task held = context.Pipeline.InvokeAsync(() => hold.Wait());
        string text = string.Concat(Enumerable.Repeat("word ", 500));
        var order = new List<SessionPriority>();
        SessionPriority[] asked = [SessionPriority.Low, SessionPriority.Normal, SessionPriority.High];
        Task[] tasks = [.. asked.Select(async p =>
        {
            await model.EmbedAsync(text, new EmbeddingOptions { Priority = p });
            lock (order)
                order.Add(p);
        })];
        hold.Set();
        await held;
        await Task.WhenAll(tasks);
        Assert.Equal(asked.Reverse(), order);
    }
}
