using System.Diagnostics;
using VAI.Residency;
using VAI.Sram;

namespace VAI.Core.Tests.Sram;

/// <summary>More sessions than the bank holds, and what is shared, parked and given back.</summary>
public sealed class SramTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public async Task Sixty_four_sessions_share_a_bank_for_eight_in_their_order()
    {
        const int Sessions = 64, Tokens = 30;

        // Fewer cells than eight of them come to: some are sent back to the queue half way, and none may fail for it.
        (IVai vai, IModelContext model) = await LoadAsync(
            Models["tiny"], m => (m.ContextLength, m.SramTokens, m.MaxSessions) = (256, 400, 8));
        await using IVai _ = vai;
        SramBank bank = ((ModelContext)model).Bank;
        var sessions = new List<IInferenceSession>();
        var enumerators = new List<IAsyncEnumerator<InferenceUpdate>>();
        var starts = new List<long>();
        var first = new List<Task<bool>>();
        for (int i = 0; i < Sessions; i++)
        {
            sessions.Add(model.OpenSession());
            int[] prompt = [.. Enumerable.Range(0, 40).Select(t => 3 + ((t + (i * 7)) % 900))];
            enumerators.Add(sessions[i].InferAsync(prompt, Greedy(Tokens)).GetAsyncEnumerator());
            starts.Add(Stopwatch.GetTimestamp());
            first.Add(enumerators[i].MoveNextAsync().AsTask());
        }

        InferenceResult[] results = await Task.WhenAll(Enumerable.Range(0, Sessions).Select(i => Task.Run(async () =>
        {
            bool more = await first[i];
            InferenceResult? result = null;
            while (more)
            {
                Assert.True(bank.CellsUsed <= bank.Cells);
                result = enumerators[i].Current.Result;
                more = await enumerators[i].MoveNextAsync();
            }

            return result!;
        })));
        Assert.All(results, r => Assert.Equal(Tokens, r.GeneratedTokens));

        // First come, first placed.
        TimeSpan[] placed = [.. Enumerable.Range(0, Sessions).Select(i => Stopwatch.GetElapsedTime(starts[0], starts[i]) + results[i].QueueTime)];
        for (int i = 1; i < Sessions; i++)
            Assert.True(placed[i] > placed[i - 1] - TimeSpan.FromMilliseconds(1), $"session {i} was placed before session {i - 1}");
        foreach (IInferenceSession session in sessions)
            await session.DisposeAsync();
        await AssertNothingLeakedAsync(model);
    }

    [Fact]
    public async Task A_common_beginning_is_computed_once()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => (m.ContextLength, m.SramTokens) = (1200, 2400));
        await using IVai _ = vai;
        int[] prompt = [.. Enumerable.Range(0, 1024).Select(t => 3 + (t % 700))];
        int[] other = [.. prompt[..1000], .. Enumerable.Repeat(5, 24)];
        await using IInferenceSession a = model.OpenSession();
        Assert.Equal(0, (await ReadAsync(a.InferAsync(prompt, Greedy(2)))).Result!.ReusedTokens);

        // While its session lives, after it, and by the same session after a rollback.
        await using IInferenceSession b = model.OpenSession();
        Assert.Equal(1000, (await ReadAsync(b.InferAsync(other, Greedy(2)))).Result!.ReusedTokens);
        Assert.True(((ModelContext)model).Bank.CellsUsed < 1100, "the beginning takes cells twice");
        await a.DisposeAsync();
        await using IInferenceSession c = model.OpenSession();
        Assert.Equal(1023, (await ReadAsync(c.InferAsync(prompt, Greedy(2)))).Result!.ReusedTokens);
        await b.RollbackAsync();
        Assert.Equal(0, b.TokenCount);
        Assert.Equal(1023, (await ReadAsync(b.InferAsync(other, Greedy(2)))).Result!.ReusedTokens);
    }

    [Fact]
    public async Task A_fork_shares_cells_and_goes_its_own_way()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => (m.ContextLength, m.SramTokens) = (512, 1024));
        await using IVai _ = vai;
        SramBank bank = ((ModelContext)model).Bank;
        await using IInferenceSession parent = model.OpenSession();
        await ReadAsync(parent.InferAsync(new int[300], Greedy(5)));
        await parent.CommitAsync();
        int before = bank.CellsUsed;
        await using IInferenceSession child = await parent.ForkAsync();
        Assert.Equal(before, bank.CellsUsed);
        Assert.Equal(parent.Tokens, child.Tokens);
        Assert.Equal(parent.CommittedCount, child.CommittedCount);
        Response x = await ReadAsync(child.InferAsync((int[])[9, 9, 9], Greedy(5)));
        Assert.Equal(304, x.Result!.ReusedTokens);
        Response y = await ReadAsync(parent.InferAsync((int[])[9, 9, 9], Greedy(5)));
        Assert.Equal(x.Tokens, y.Tokens);
        await child.RollbackAsync();
        Assert.Equal(305, child.TokenCount);
        Assert.Equal(313, parent.TokenCount);
    }

    [Fact]
    public async Task Idle_sessions_are_parked_and_come_back()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => (m.ContextLength, m.MaxSessions) = (512, 2));
        await using IVai _ = vai;
        var sessions = new List<IInferenceSession>();
        for (int i = 0; i < 4; i++)
        {
            sessions.Add(model.OpenSession());
            await ReadAsync(sessions[i].InferAsync((int[])[.. Enumerable.Repeat(i + 3, 100)], Greedy(3)));
        }

        // Only two fit: the others' KV is in host memory, and none of it is computed again.
        for (int i = 0; i < 4; i++)
            Assert.Equal(102, (await ReadAsync(sessions[i].InferAsync((int[])[7], Greedy(3)))).Result!.ReusedTokens);
        await sessions[0].ParkAsync();
        await sessions[0].ParkAsync();
        Assert.Equal(106, (await ReadAsync(sessions[0].InferAsync((int[])[7], Greedy(3)))).Result!.ReusedTokens);
        await sessions[0].RebuildAsync();
        Assert.Equal(110, (await ReadAsync(sessions[0].InferAsync((int[])[7], Greedy(3)))).Result!.ReusedTokens);
        foreach (IInferenceSession session in sessions)
            await session.DisposeAsync();
        await AssertNothingLeakedAsync(model);
    }

    [Fact]
    public async Task Without_host_memory_a_parked_session_is_computed_again()
    {
        await using IVai vai = Vai.Create(o =>
        {
            o.ParkLimit = 0;
            o.AddModel("m", Models["tiny"]);
        });
        IModelContext model = vai.Select(await vai.LoadAsync("m"));
        await using IInferenceSession session = model.OpenSession();
        await ReadAsync(session.InferAsync(new int[100], Greedy(3)));
        await session.ParkAsync();
        Response response = await ReadAsync(session.InferAsync((int[])[7], Greedy(3)));
        Assert.Equal((0, 3), (response.Result!.ReusedTokens, response.Tokens.Count));
    }

    [Fact]
    public async Task A_sliding_window_that_has_passed_is_computed_again()
    {
        // Its window is 256: after 600 tokens the first 300 cannot be gone back to.
        (IVai vai, IModelContext model) = await LoadAsync(
            Models["tiny-gemma3"], m => (m.ContextLength, m.SramTokens, m.BatchSize, m.FlashAttention) = (1024, 2048, 64, FlashAttention.Off));
        await using IVai _ = vai;
        int[] prompt = [.. Enumerable.Range(0, 600).Select(t => 3 + (t % 700))];
        await using IInferenceSession longer = model.OpenSession();
        await ReadAsync(longer.InferAsync(prompt, Greedy(20)));
        await using IInferenceSession shorter = model.OpenSession();
        Response reused = await ReadAsync(shorter.InferAsync(prompt[..300], Greedy(8)));
        Response onward = await ReadAsync(longer.InferAsync((int[])[5, 6], Greedy(8)));
        Assert.Equal(619, onward.Result!.ReusedTokens);

        // In an engine where nothing can be shared.
        (IVai fresh, IModelContext alone) = await LoadAsync(
            Models["tiny-gemma3"], m => (m.ContextLength, m.BatchSize, m.FlashAttention) = (1024, 64, FlashAttention.Off));
        await using IVai __ = fresh;
        await using IInferenceSession session = alone.OpenSession();
        Assert.Equal((await ReadAsync(session.InferAsync(prompt[..300], Greedy(8)))).Tokens, reused.Tokens);
    }

    /// <summary>After every session has gone, giving up the caches gives back every cell, in llama.cpp as in the books.</summary>
    internal static async Task AssertNothingLeakedAsync(IModelContext context)
    {
        var model = (ModelContext)context;
        Assert.Equal(0, model.OpenSessions);
        Assert.Equal(0, model.Lot.Used);
        await model.Pipeline.InvokeAsync(() =>
        {
            foreach (SramLine line in model.Bank.Lines)
            {
                Assert.Null(line.Owner);
                Assert.Equal(LineUse.Idle, line.Use);
                Assert.Equal(line.Tokens.Count - 1, model.Llama.LastPosition(line.Sequence));
            }

            Assert.True(model.Lane.Placer.MakeRoom(model.Bank.Cells));
            Assert.Equal(0, model.Bank.CellsUsed);
            foreach (SramLine line in model.Bank.Lines)
                Assert.Equal(-1, model.Llama.LastPosition(line.Sequence));
        });
    }
}
