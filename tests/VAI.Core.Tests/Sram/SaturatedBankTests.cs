using VAI.Residency;
using Xunit.Abstractions;

namespace VAI.Core.Tests.Sram;

/// <summary>More work than a bank holds, for as long as it takes: nobody fails for it. VAI_TEST_TRANSACTIONS sets how much, VAI_TEST_SEED repeats a run.</summary>
public sealed class SaturatedBankTests(ForgedModels models, ITestOutputHelper output) : EngineTest(models)
{
    private static readonly int Transactions = int.TryParse(Environment.GetEnvironmentVariable("VAI_TEST_TRANSACTIONS"), out int set) ? set : 24;
    private static readonly int? Seed = TestVariables.Number("VAI_TEST_SEED");

    [Theory]
    [InlineData(16, 8, 4096, 64, 2048, null)]
    [InlineData(16, 8, 4096, 64, 2048, 40)]
    [InlineData(16, 8, 2048, 32, 2048, null)]
    [InlineData(12, 4, 512, 32, 512, null)]
    [InlineData(12, 4, 512, 32, 512, 10)]
    [InlineData(16, 16, 768, 16, 512, null)]
    public async Task No_transaction_fails_and_none_is_rolled_back(
        int readers, int lines, int cells, int step, int context, int? slice)
    {
        int seed = Seed ?? Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        (IVai vai, IModelContext model) = await LoadAsync(
            Models["tiny"], m => (m.ContextLength, m.SramTokens, m.MaxSessions, m.BatchSize) = (context, cells, lines, step));
        await using IVai _ = vai;
        Assert.Equal(cells, ((ModelContext)model).Bank.Cells);
        ((ModelContext)model).Lane.Placer.Transfers.SliceTokens = slice;
        int begun = 0;
        await Task.WhenAll(Enumerable.Range(0, readers).Select(reader => Task.Run(async () =>
        {
            var random = new Random(seed + reader);
            while (Interlocked.Increment(ref begun) <= Transactions)
            {
                await using IInferenceSession session = model.OpenSession(new SessionOptions { BufferedUpdates = 1 + random.Next(64) });
                int most = Math.Min(1900, context - 8);
                int[] prompt = [.. Enumerable.Range(0, 1 + random.Next(most)).Select(_ => 3 + random.Next(900))];
                int tokens = 1 + random.Next(Math.Min(200, context - prompt.Length));
                int read = 0, before = 0;
                InferenceResult? result = null;
                await foreach (InferenceUpdate update in session.InferAsync(prompt, Greedy(tokens)))
                {
                    // What was handed over stays: no rollback takes it back.
                    Assert.True(session.TokenCount >= before, $"the session went from {before} to {session.TokenCount} tokens");
                    before = session.TokenCount;
                    read += update.Result is null ? 1 : 0;
                    result = update.Result ?? result;
                }

                Assert.Equal(result!.GeneratedTokens, read);
                Assert.Equal(prompt.Length + read, session.TokenCount);
            }
        })));
        await SramTests.AssertNothingLeakedAsync(model);
    }

    [Fact]
    public async Task A_session_as_long_as_the_bank_is_rebuilt_and_stands_in_nobodys_way()
    {
        (IVai vai, IModelContext model) = await LoadAsync(
            Models["tiny"], m => (m.ContextLength, m.SramTokens, m.MaxSessions, m.BatchSize) = (512, 512, 4, 32));
        await using IVai _ = vai;
        await using IInferenceSession full = model.OpenSession();
        Response response = await ReadAsync(full.InferAsync(new int[500], InferenceOptions.Greedy));
        Assert.Equal((FinishReason.ContextFull, 512), (response.Result!.FinishReason, full.TokenCount));
        Task rebuild = full.RebuildAsync().AsTask();
        await using IInferenceSession other = model.OpenSession();
        Assert.Equal(20, (await ReadAsync(other.InferAsync(Prompt, Greedy(20)))).Tokens.Count);
        await rebuild;
    }

    [Fact]
    public async Task The_order_is_that_of_the_due_times()
    {
        // One line, so that each place is taken when the one before has gone; placed when the queue time says.
        (IVai vai, IModelContext model) = await LoadAsync(
            Models["tiny"], m => (m.ContextLength, m.SramTokens, m.MaxSessions, m.BatchSize) = (512, 512, 1, 32));
        await using IVai _ = vai;
        var lane = ((ModelContext)model).Lane;
        await using IInferenceSession holder = model.OpenSession(new SessionOptions { BufferedUpdates = 4096 });
        IAsyncEnumerator<InferenceUpdate> running = holder.InferAsync(new int[10], Greedy(400)).GetAsyncEnumerator();
        Assert.True(await running.MoveNextAsync());
        var order = new List<int>();
        var tasks = new List<Task>();
        int[] lengths = [400, 1, 300, 20, 450, 5];
        for (int i = 0; i < lengths.Length; i++)
        {
            int me = i;
            IInferenceSession session = model.OpenSession();
            IAsyncEnumerator<InferenceUpdate> updates = session.InferAsync(new int[lengths[i]], Greedy(3)).GetAsyncEnumerator();
            Task<bool> first = updates.MoveNextAsync().AsTask();
            tasks.Add(Task.Run(async () =>
            {
                await first;
                lock (order)
                    order.Add(me);
                while (await updates.MoveNextAsync())
                {
                }

                await session.DisposeAsync();
            }));
            while (lane.Waiting < i + 1)
                await Task.Yield();
        }

        await running.DisposeAsync();
        await Task.WhenAll(tasks);
        Assert.Equal(Enumerable.Range(0, lengths.Length), order);
    }
}
