namespace VAI.Core.Tests;

public sealed class CancellationTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public async Task A_token_cancelled_before_the_start_computes_nothing()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        var cancelled = new CancellationToken(true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => ReadAsync(session.InferAsync(Prompt, Greedy(4), cancelled)));
        Assert.Equal(0, session.TokenCount);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => model.TokenizeAsync("x", cancellationToken: cancelled).AsTask());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => vai.LoadAsync("m", cancellationToken: cancelled).AsTask());
        await AssertUsableAsync(session);
    }

    [Fact]
    public async Task Cancelling_during_the_prefill_takes_the_prompt_back()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.BatchSize = 1);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(4)));
        IReadOnlyList<int> before = session.Tokens;

        using var cancel = new CancellationTokenSource();
        IAsyncEnumerator<InferenceUpdate> updates =
            session.InferAsync(new int[1500], Greedy(4), cancel.Token).GetAsyncEnumerator();
        ValueTask<bool> first = updates.MoveNextAsync();
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.AsTask());
        await updates.DisposeAsync();
        Assert.Equal(before, session.Tokens);
        await AssertUsableAsync(session);
    }

    [Fact]
    public async Task Cancelling_or_leaving_later_keeps_what_was_generated()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        foreach (bool leave in (bool[])[false, true])
        {
            await using IInferenceSession session = model.OpenSession();
            using var cancel = new CancellationTokenSource();
            var seen = new List<int>();
            Task reading = Task.Run(async () =>
            {
                await foreach (InferenceUpdate update in session.InferAsync(Prompt, Greedy(1500), cancel.Token))
                {
                    seen.Add(update.TokenId);
                    if (seen.Count < 5)
                        continue;
                    if (leave)
                        break;
                    cancel.Cancel();
                }
            });
            if (leave)
                await reading;
            else
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
            int prompt = (await model.TokenizeAsync(Prompt)).Count;
            Assert.Equal(seen.Take(5), session.Tokens.Skip(prompt).Take(5));
            Assert.True(session.TokenCount < 1500);
            await AssertUsableAsync(session);
        }
    }

    [Fact]
    public async Task A_cancelled_load_leaves_nothing()
    {
        await using IVai vai = Vai.Create(o => o.AddModel("m", Models["small"]));
        using var cancel = new CancellationTokenSource();
        var progress = new Synchronous<LoadProgress>(p =>
        {
            if (p.Phase == LoadPhase.Weights)
                cancel.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => vai.LoadAsync("m", progress, cancel.Token).AsTask());
        Assert.Empty(vai.Models);
        await vai.LoadAsync("m");
        Assert.Single(vai.Models);
    }

    [Fact]
    public async Task Disposing_a_session_ends_its_transaction()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        IInferenceSession session = model.OpenSession();
        IAsyncEnumerator<InferenceUpdate> updates = session.InferAsync(Prompt, Greedy(1500)).GetAsyncEnumerator();
        Assert.True(await updates.MoveNextAsync());
        await session.DisposeAsync();
        await AssertEndedAsync(updates);
        await session.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(() => session.InferAsync(Prompt));
        Assert.Throws<ObjectDisposedException>(() => session.Tokens);
        Assert.Equal(0, model.OpenSessions);
    }

    [Fact]
    public async Task Disposing_the_engine_ends_every_transaction()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        IInferenceSession session = model.OpenSession();
        IAsyncEnumerator<InferenceUpdate> updates = session.InferAsync(Prompt, Greedy(1500)).GetAsyncEnumerator();
        Assert.True(await updates.MoveNextAsync());
        await vai.DisposeAsync();
        await AssertEndedAsync(updates);
        await vai.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => vai.LoadAsync("m").AsTask());
    }

    private static async Task AssertEndedAsync(IAsyncEnumerator<InferenceUpdate> updates)
    {
        await Assert.ThrowsAsync<ObjectDisposedException>(async () =>
        {
            while (await updates.MoveNextAsync())
            {
            }
        });
        await updates.DisposeAsync();
    }

    private static async Task AssertUsableAsync(IInferenceSession session)
    {
        Response response = await ReadAsync(session.InferAsync(" and then", Greedy(4)));
        Assert.Equal(4, response.Result!.GeneratedTokens);
    }

    private sealed class Synchronous<T>(Action<T> report) : IProgress<T>
    {
        public void Report(T value) => report(value);
    }
}
