using VAI.Residency;
using Xunit.Abstractions;

namespace VAI.Core.Tests.Sram;

/// <summary>
/// The ledger against llama.cpp's count, after each of many random operations on a bank that is nearly always full.
/// VAI_TEST_OPERATIONS sets how many, VAI_TEST_SEED repeats a run.
/// </summary>
public sealed class LedgerTests(ForgedModels models, ITestOutputHelper output) : EngineTest(models)
{
    private const int Sessions = 8;
    private static readonly int Operations = int.TryParse(Environment.GetEnvironmentVariable("VAI_TEST_OPERATIONS"), out int set) ? set : 300;
    private static readonly int? Seed = TestVariables.Number("VAI_TEST_SEED");

    [Theory]
    [InlineData("tiny", null)]
    [InlineData("tiny", 16)]
    [InlineData("tiny-gemma3", null)]
    [InlineData("tiny-gemma3", 16)]
    public async Task It_is_llama_cpps_own_count_after_each_operation(string shape, int? slice)
    {
        int seed = Seed ?? Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);

        // 1,000 is rounded up by llama.cpp: the ledger knows.
        (IVai vai, IModelContext model) = await LoadAsync(
            Models[shape], m => (m.ContextLength, m.SramTokens, m.MaxSessions, m.BatchSize) = (600, 1000, 5, 32));
        await using IVai _ = vai;
        Assert.Equal(1024, ((ModelContext)model).Bank.Cells);
        ((ModelContext)model).Lane.Placer.Transfers.SliceTokens = slice;
        var users = new List<User>();
        for (int i = 0; i < Operations; i++)
        {
            while (users.Count < Sessions)
                users.Add(new User(model.OpenSession(new SessionOptions { BufferedUpdates = 1 + random.Next(8) })));
            User user = users[random.Next(Sessions)];
            string what = user.IsReading ? await GoOnAsync(random, user, users) : await OperateAsync(random, user, users);
            await LlamaCells.AssertAgreesAsync((ModelContext)model, () => $"operation {i}, {what}, seed {seed}");
        }

        foreach (User user in users)
            await user.DisposeAsync();
        await SramTests.AssertNothingLeakedAsync(model);
    }

    private static async Task<string> GoOnAsync(Random random, User user, List<User> users)
    {
        for (int reads = random.Next(6); reads > 0; reads--)
        {
            // Whoever waits for one that is behind would wait for ever: there may be no place until that one reads.
            foreach (User other in users.Where(u => u != user && !user.HasNext))
                await other.LeaveAsync();
            if (!await user.ReadAsync())
                return "read to the end";
        }

        if (random.Next(4) != 0)
            return "read";
        await user.LeaveAsync();
        return "left";
    }

    private static async Task<string> OperateAsync(Random random, User user, List<User> users)
    {
        IInferenceSession session = user.Session;
        int operation = random.Next(12), room = session.Model.ContextLength - session.TokenCount - 1;
        switch (operation)
        {
            case < 6 when room >= 2:
                int[] prompt = [.. Enumerable.Range(0, 1 + random.Next(Math.Min(room, random.Next(3) == 0 ? 500 : 30))).Select(t => 3 + (t * 7 % 50))];
                user.Infer(prompt, Greedy(1 + random.Next(40)));
                return $"inferred {prompt.Length}";
            case 6 when users.Find(u => u != user && !u.IsReading) is { } other:
                await other.DisposeAsync();
                users[users.IndexOf(other)] = new User(await session.ForkAsync());
                return "forked";
            case 7:
                await session.CommitAsync();
                return "committed";
            case 8:
                await session.RollbackAsync();
                return "rolled back";
            case 9:
                await session.ParkAsync();
                return "parked";
            case 10 when !users.Exists(u => u.IsReading):
                await session.RebuildAsync();
                return "rebuilt";
            default:
                users.Remove(user);
                await user.DisposeAsync();
                return "disposed";
        }
    }

    /// <summary>A session, and the transaction that somebody reads of it, if any.</summary>
    private sealed class User(IInferenceSession session) : IAsyncDisposable
    {
        private CancellationTokenSource _leave = new();
        private IAsyncEnumerator<InferenceUpdate>? _updates;
        private Task<bool>? _next;

        public IInferenceSession Session => session;

        public bool IsReading => _updates is not null;

        public bool HasNext => _next is { IsCompleted: true };

        public void Infer(int[] prompt, InferenceOptions options)
        {
            _updates = session.InferAsync(prompt, options, _leave.Token).GetAsyncEnumerator();
            _next = _updates.MoveNextAsync().AsTask();
        }

        public async Task<bool> ReadAsync()
        {
            bool more = await _next!;
            if (more)
                _next = _updates!.MoveNextAsync().AsTask();
            else
                await LeaveAsync();
            return more;
        }

        public async Task LeaveAsync()
        {
            if (_updates is not { } updates)
                return;
            _updates = null;
            await _leave.CancelAsync();
            await _next!.ContinueWith(static _ => { }, TaskScheduler.Default);
            await updates.DisposeAsync();
            _leave.Dispose();
            _leave = new CancellationTokenSource();
        }

        public async ValueTask DisposeAsync()
        {
            await LeaveAsync();
            await session.DisposeAsync();
            _leave.Dispose();
        }
    }
}
