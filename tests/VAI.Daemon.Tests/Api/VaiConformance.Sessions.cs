namespace VAI.Daemon.Tests.Api;

/// <content>Sessions: what they keep, and what becomes of it.</content>
public abstract partial class VaiConformance
{
    [Fact]
    public async Task Commit_and_rollback()
    {
        await using Rig rig = await LoadAsync();
        await using IInferenceSession session = await AskedAsync(rig.Model);
        await session.CommitAsync();
        IReadOnlyList<int> committed = session.Tokens;
        Assert.Equal(committed.Count, session.CommittedCount);
        Response first = await ReadAsync(session.InferAsync(" or", Greedy(4)));
        await session.RollbackAsync();
        Assert.Equal(committed, session.Tokens);
        Response second = await ReadAsync(session.InferAsync(" or", Greedy(4)));
        Assert.Equal(first.Tokens, second.Tokens);
        await using IInferenceSession never = rig.Model.OpenSession();
        await never.RollbackAsync();
        Assert.Equal(0, never.TokenCount);
    }

    [Fact]
    public async Task A_fork_goes_its_own_way()
    {
        await using Rig rig = await LoadAsync();
        await using IInferenceSession session = await AskedAsync(rig.Model);
        await session.CommitAsync();
        await using IInferenceSession fork = await session.ForkAsync();
        Assert.Equal(session.Tokens, fork.Tokens);
        Assert.Equal(session.CommittedCount, fork.CommittedCount);
        Assert.Equal(2, rig.Model.OpenSessions);
        Response one = await ReadAsync(session.InferAsync(" or", Greedy(4)));
        Response two = await ReadAsync(fork.InferAsync(" or", Greedy(4)));
        Assert.Equal(one.Tokens, two.Tokens);
        await fork.RollbackAsync();
        Assert.True(fork.TokenCount < session.TokenCount);
        await using IInferenceSession empty = rig.Model.OpenSession();
        await using IInferenceSession child = await empty.ForkAsync(new SessionOptions { Priority = SessionPriority.High });
        Assert.Equal(0, child.TokenCount);
    }

    [Fact]
    public async Task Parked_and_rebuilt_it_goes_on_alike()
    {
        await using Rig rig = await LoadAsync();
        await using IInferenceSession session = await AskedAsync(rig.Model);
        await session.ParkAsync();
        Response one = await ReadAsync(session.InferAsync(" or", Greedy(4)));
        await session.RebuildAsync();
        await ReadAsync(session.InferAsync(" or", Greedy(4)));
        Assert.Equal(4, one.Tokens.Count);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await session.RebuildAsync(new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task A_saved_session_is_restored()
    {
        await using Rig rig = await StartAsync(o => o.AddModel("m", Models["tiny"], m => m.Profile = RomProfile.Exact));
        IModelContext model = rig.Vai.Select(await rig.Vai.LoadAsync("m"));
        string file = Models.NewFile("session");
        await using IInferenceSession session = await AskedAsync(model);
        await session.CommitAsync();
        await session.SaveAsync(file);
        await using IInferenceSession restored = await model.RestoreSessionAsync(file);
        Assert.Equal(session.Tokens, restored.Tokens);
        Assert.Equal(session.CommittedCount, restored.CommittedCount);
        Response one = await ReadAsync(session.InferAsync(" or", Greedy(8)));
        Response two = await ReadAsync(restored.InferAsync(" or", Greedy(8)));
        Assert.Equal(one.Tokens, two.Tokens);
        await FailsAsync<VaiUsageException>(VaiError.FileNotFound, async () => await model.RestoreSessionAsync(file + "x"));
        await FailsAsync<VaiUsageException>(VaiError.SessionFileRejected, async () => await model.RestoreSessionAsync(Models["tiny"]));
    }

    [Fact]
    public async Task A_session_is_saved_to_a_regular_file_and_restored_from_one_and_nothing_else_is_touched_or_waited_for()
    {
        await using Rig rig = await StartAsync(o => o.AddModel("m", Models["tiny"]));
        IModelContext model = rig.Vai.Select(await rig.Vai.LoadAsync("m"));
        string pipe = Models.NewFile("pipe");
        using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", [pipe]))
            await mkfifo.WaitForExitAsync();
        await using IInferenceSession session = model.OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(2)));
        await FailsAsync<VaiEngineException>(VaiError.FileNotWritable, async () => await session.SaveAsync(pipe));
        Assert.Equal(0, new FileInfo(pipe).Length);
        await FailsAsync<VaiUsageException>(VaiError.FileNotReadable, async () => await model.RestoreSessionAsync(pipe).AsTask().WaitAsync(TimeSpan.FromMinutes(1)));
        await FailsAsync<VaiUsageException>(VaiError.FileNotReadable, async () => await model.RestoreSessionAsync("/dev/zero"));
        await FailsAsync<VaiUsageException>(VaiError.FileNotReadable, async () => await model.RestoreSessionAsync(Path.GetTempPath()));
        await FailsAsync<VaiUsageException>(VaiError.FileNotFound, async () => await model.RestoreSessionAsync(pipe + "\0x"));
        VaiUsageException error = await Assert.ThrowsAsync<VaiUsageException>(async () => await model.RestoreSessionAsync(Models["tiny"]));
        Assert.StartsWith(Models["tiny"] + ": ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_transaction_at_a_time()
    {
        await using Rig rig = await LoadAsync();
        await using IInferenceSession session = rig.Model.OpenSession();
        await foreach (InferenceUpdate update in session.InferAsync(Prompt, Greedy(1000)))
        {
            if (update.Result is not null)
                break;
            await FailsAsync<VaiUsageException>(VaiError.SessionBusy, () => ReadAsync(session.InferAsync("x", Greedy(1))));
            await FailsAsync<VaiUsageException>(VaiError.SessionBusy, async () => await session.CommitAsync());
            await FailsAsync<VaiUsageException>(VaiError.SessionBusy, async () => await session.ForkAsync());
            break;
        }

        await ReadAsync(session.InferAsync(" or", Greedy(1)));
    }

    [Fact]
    public async Task What_is_disposed_says_so()
    {
        Rig rig = await LoadAsync();
        IInferenceSession session = rig.Model.OpenSession();
        IAsyncEnumerator<InferenceUpdate> updates = session.InferAsync(Prompt, Greedy(1000)).GetAsyncEnumerator();
        Assert.True(await updates.MoveNextAsync());
        await session.DisposeAsync();
        await session.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () =>
        {
            while (await updates.MoveNextAsync())
            {
            }
        });
        await updates.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(() => session.InferAsync("x"));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await session.CommitAsync());
        await rig.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await rig.Vai.LoadAsync("m"));
    }
}
