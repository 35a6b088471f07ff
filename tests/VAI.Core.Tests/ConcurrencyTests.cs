using System.Diagnostics;
using VAI.Residency;

namespace VAI.Core.Tests;

public sealed class ConcurrencyTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public async Task Sessions_of_two_models_run_side_by_side()
    {
        await using IVai vai = Vai.Create(o => o.AddModel("a", Models["tiny"]).AddModel("b", Models["tiny-qwen3"]));
        await vai.LoadAsync("a");
        await vai.LoadAsync("b");
        var expected = new Dictionary<string, List<int>>();
        foreach (IModelContext model in vai.Models)
        {
            await using IInferenceSession session = model.OpenSession();
            expected[model.Name] = (await ReadAsync(session.InferAsync(Prompt, Greedy(40)))).Tokens;
        }

        Response[] responses = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            await using IInferenceSession session = vai.Select(i % 2 == 0 ? "a" : "b").OpenSession();
            return await ReadAsync(session.InferAsync(Prompt, Greedy(40)));
        })));
        Assert.All(responses, r => Assert.Equal(40, r.Tokens.Count));
        Assert.Equal(expected["a"][0], responses[0].Tokens[0]);
        Assert.Equal(expected["b"][0], responses[1].Tokens[0]);
        Assert.All(vai.Models, m => Assert.Equal(0, m.OpenSessions));
    }

    [Fact]
    public async Task A_reader_that_stands_still_parks_its_own_session_only()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        await using IInferenceSession slow = model.OpenSession(new SessionOptions { BufferedUpdates = 1 });
        IAsyncEnumerator<InferenceUpdate> still = slow.InferAsync(Prompt, Greedy(100)).GetAsyncEnumerator();
        Assert.True(await still.MoveNextAsync());

        await using IInferenceSession other = model.OpenSession();
        Assert.Equal(200, (await ReadAsync(other.InferAsync(Prompt, Greedy(200)))).Tokens.Count);
        Assert.True(slow.TokenCount < 20, $"{slow.TokenCount} tokens were generated ahead of the reader");

        Assert.Equal(100, await RestAsync(still));
    }

    [Fact]
    public async Task A_reader_that_blocks_its_thread_on_another_blocks_neither()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        await using IInferenceSession outer = model.OpenSession(new SessionOptions { BufferedUpdates = 1 });
        await using IInferenceSession inner = model.OpenSession(new SessionOptions { BufferedUpdates = 1 });
        var inside = new List<int>();
        int outside = 0;
        await foreach (InferenceUpdate update in outer.InferAsync(Prompt, Greedy(10)).ConfigureAwait(false))
        {
            outside += update.Result is null ? 1 : 0;

            // Blocking is the point: whatever thread this runs on waits for tokens that other threads must bring.
#pragma warning disable xUnit1031
            inside.Add(ReadAsync(inner.InferAsync(Prompt, Greedy(10))).GetAwaiter().GetResult().Tokens.Count);
#pragma warning restore xUnit1031
        }

        Assert.Equal(10, outside);
        Assert.All(inside, n => Assert.Equal(10, n));
        Assert.Equal(11, inside.Count);
    }

    [Fact]
    public async Task A_reader_may_dispose_its_engine()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        IInferenceSession session = model.OpenSession();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () =>
        {
            await foreach (InferenceUpdate _ in session.InferAsync(Prompt, Greedy(1000)).ConfigureAwait(false))
                await vai.DisposeAsync().ConfigureAwait(false);
        });
    }

    [Fact]
    public async Task A_reader_that_stands_still_gives_its_place_to_who_waits()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.MaxSessions = 1);
        await using IVai _ = vai;
        await using IInferenceSession slow = model.OpenSession(new SessionOptions { BufferedUpdates = 1 });
        IAsyncEnumerator<InferenceUpdate> still = slow.InferAsync(Prompt, Greedy(100)).GetAsyncEnumerator();
        Assert.True(await still.MoveNextAsync());
        await using IInferenceSession other = model.OpenSession();
        Assert.Equal(20, (await ReadAsync(other.InferAsync(Prompt, Greedy(20)))).Tokens.Count);
        Assert.Equal(100, await RestAsync(still));
    }

    [Fact]
    public async Task Who_is_due_first_is_served_first()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.MaxSessions = 1);
        await using IVai _ = vai;
        await using IInferenceSession holder = model.OpenSession(new SessionOptions { BufferedUpdates = 4096 });
        IAsyncEnumerator<InferenceUpdate> running = holder.InferAsync(Prompt, Greedy(1500)).GetAsyncEnumerator();
        Assert.True(await running.MoveNextAsync());
        var tasks = new List<Task<(string Name, TimeSpan Placed)>>();
        long start = Stopwatch.GetTimestamp();
        foreach ((string name, SessionPriority priority, TimeSpan? deadline) in ((string, SessionPriority, TimeSpan?)[])
            [
                ("low", SessionPriority.Low, null),
                ("normal", SessionPriority.Normal, null),
                ("deadline", SessionPriority.Low, TimeSpan.FromSeconds(20)),
                ("high", SessionPriority.High, null),
            ])
        {
            tasks.Add(Task.Run(async () =>
            {
                await using IInferenceSession session = model.OpenSession(new SessionOptions { Priority = priority });
                TimeSpan asked = Stopwatch.GetElapsedTime(start);

                // Long enough that a place is taken well after the one before.
                Response response = await ReadAsync(session.InferAsync(Prompt, Greedy(100) with { Deadline = deadline }));
                return (name, asked + response.Result!.QueueTime);
            }));
            while (((ModelContext)model).Lane.Waiting < tasks.Count)
                await Task.Yield();
        }

        await running.DisposeAsync();
        (string Name, TimeSpan Placed)[] places = await Task.WhenAll(tasks);
        Assert.Equal(["high", "deadline", "normal", "low"], places.OrderBy(p => p.Placed).Select(p => p.Name));
    }

    [Fact]
    public async Task Parking_and_cancelling_at_any_moment_lose_nothing()
    {
        const int Rounds = 200;
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.MaxSessions = 16);
        await using IVai _ = vai;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (int round = 0; round < Rounds / 4; round++)
            {
                await using IInferenceSession session = model.OpenSession(new SessionOptions { BufferedUpdates = 1 + random.Next(3) });
                int take = random.Next(12);
                using var cancel = new CancellationTokenSource();
                int read = 0;
                try
                {
                    await foreach (InferenceUpdate update in session.InferAsync(Prompt, Greedy(10), cancel.Token))
                    {
                        if (read++ == take)
                            cancel.Cancel();
                    }

                    Assert.Equal(11, read);
                }
                catch (OperationCanceledException)
                {
                    Assert.True(read > take);
                }
            }
        })));
        Assert.Equal(0, model.OpenSessions);
        await using IInferenceSession last = model.OpenSession();
        Assert.Equal(model.ContextLength, (await ReadAsync(last.InferAsync(Prompt, InferenceOptions.Greedy))).Result!.PromptTokens
            + last.TokenCount - (await model.TokenizeAsync(Prompt)).Count);
    }

    private static async Task<int> RestAsync(IAsyncEnumerator<InferenceUpdate> updates)
    {
        int rest = 0;
        while (await updates.MoveNextAsync())
            rest++;
        await updates.DisposeAsync();
        return rest;
    }
}
