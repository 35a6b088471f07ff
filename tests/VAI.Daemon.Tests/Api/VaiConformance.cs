namespace VAI.Daemon.Tests.Api;

/// <summary>What an <see cref="IVai"/> promises, whoever answers.</summary>
[Collection(ApiCollection.Name)]
public abstract class VaiConformance(ForgedModels models)
{
    protected const string Prompt = "Write Verilog AND gate";

    protected ForgedModels Models { get; } = models;

    [Fact]
    public async Task A_model_is_loaded_selected_and_unloaded()
    {
        await using Rig rig = await StartAsync(o => o.AddModel("a", Models["tiny"], Plain).AddModel("b", Models["tiny"], Plain));
        IVai vai = rig.Vai;
        Assert.Empty(vai.Models);
        var phases = new List<LoadPhase>();
        ModelHandle a = await vai.LoadAsync("a", new Listener(phases));
        Assert.Contains(LoadPhase.Done, phases);
        Assert.Equal(a, await vai.LoadAsync("a"));

        IModelContext model = vai.Select(a);
        Assert.Same(model, vai.Select("a"));
        Assert.Equal("a", model.Name);
        Assert.Equal(a, model.Handle);
        Assert.Equal("llama", model.Info.Architecture);
        Assert.Equal(2048, model.Info.VocabularySize);
        Assert.Equal(2048, model.ContextLength);
        Assert.True(model.LoadTime > TimeSpan.Zero);
        Assert.NotNull(model.Memory);
        Assert.False(model.OnGpu);

        ModelHandle b = await vai.LoadAsync("b");
        Assert.Equal(["a", "b"], vai.Models.Select(m => m.Name));
        await vai.UnloadAsync(a);
        Assert.Equal(["b"], vai.Models.Select(m => m.Name));
        Fails<VaiUsageException>(VaiError.ModelNotLoaded, () => vai.Select(a));
        Fails<VaiUsageException>(VaiError.ModelNotLoaded, () => vai.Select("a"));
        await FailsAsync<VaiUsageException>(VaiError.ModelNotLoaded, async () => await vai.UnloadAsync(a));
        await FailsAsync<VaiUsageException>(VaiError.ModelNotLoaded, async () => await model.TokenizeAsync("x"));

        ModelHandle again = await vai.LoadAsync("a");
        Assert.NotEqual(a, again);
        Fails<VaiUsageException>(VaiError.ModelNotLoaded, () => vai.Select(a));
        Assert.Equal("b", vai.Select(b).Name);
    }

    [Fact]
    public async Task What_cannot_be_loaded_says_why()
    {
        string junk = Models.NewFile("gguf");
        await File.WriteAllBytesAsync(junk, new byte[4096]);
        await using Rig rig = await StartAsync(o => o.AddModel("gone", Models.NewFile("gguf")).AddModel("junk", junk).AddModel("m", Models["tiny"], Plain));
        IVai vai = rig.Vai;
        await FailsAsync<VaiUsageException>(VaiError.UnknownModel, async () => await vai.LoadAsync("nobody"));
        Fails<VaiUsageException>(VaiError.UnknownModel, () => vai.Select("nobody"));
        await FailsAsync<VaiUsageException>(VaiError.FileNotFound, async () => await vai.LoadAsync("gone"));
        await FailsAsync<VaiModelException>(VaiError.MalformedModel, async () => await vai.LoadAsync("junk"));
        await FailsAsync<VaiUsageException>(
            VaiError.InvalidOption, async () => await vai.LoadAsync(new ModelOptions { Name = "", File = Models["tiny"] }));
        await FailsAsync<VaiUsageException>(
            VaiError.InvalidOption,
            async () => await vai.LoadAsync(new ModelOptions { Name = "m", File = Models["tiny"], Profile = RomProfile.None, ContextLength = -1 }));
        await vai.LoadAsync("m");
        await FailsAsync<VaiUsageException>(
            VaiError.ModelAlreadyLoaded, async () => await vai.LoadAsync(new ModelOptions { Name = "m", File = Models["tiny-bert"] }));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await vai.LoadAsync("m", null, new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task A_model_with_sessions_stays()
    {
        await using Rig rig = await LoadAsync();
        IInferenceSession session = rig.Model.OpenSession();
        Assert.Equal(1, rig.Model.OpenSessions);
        await FailsAsync<VaiUsageException>(VaiError.ModelInUse, async () => await rig.Vai.UnloadAsync(rig.Model.Handle));
        await ReadAsync(session.InferAsync(Prompt, Greedy(2)));
        await FailsAsync<VaiUsageException>(VaiError.ModelInUse, async () => await rig.Vai.UnloadAsync(rig.Model.Handle));
        await session.DisposeAsync();
        Assert.Equal(0, rig.Model.OpenSessions);
        await rig.Vai.UnloadAsync(rig.Model.Handle);
    }

    [Fact]
    public async Task A_plan_says_what_a_load_takes()
    {
        await using Rig rig = await LoadAsync();
        MemoryPlan plan = await rig.Vai.PlanAsync("m");
        Assert.Equal(rig.Model.Memory!.KvBytes, plan.KvBytes);
        Assert.Equal(rig.Model.Memory.SramTokens, plan.SramTokens);
        Assert.Equal(RomProfile.None, plan.Profile);
        MemoryPlan half = await rig.Vai.PlanAsync(
            new ModelOptions { Name = "n", File = Models["tiny"], Profile = RomProfile.None, ContextLength = 1024 });
        Assert.Equal(1024, half.ContextLength);
        await FailsAsync<VaiUsageException>(VaiError.FileNotFound, async () => await rig.Vai.PlanAsync(Models.NewFile("gguf")));
    }

    [Fact]
    public async Task Text_and_its_tokens_are_answered_alike()
    {
        await using Rig rig = await LoadAsync();
        IReadOnlyList<int> tokens = await rig.Model.TokenizeAsync(Prompt);
        await using IInferenceSession text = rig.Model.OpenSession();
        await using IInferenceSession ids = rig.Model.OpenSession();
        Response one = await ReadAsync(text.InferAsync(Prompt, Greedy(12)));
        Response two = await ReadAsync(ids.InferAsync(tokens.ToArray(), Greedy(12)));
        Assert.Equal(one.Tokens, two.Tokens);
        Assert.Equal(one.Text, two.Text);
        Assert.Equal([.. tokens, .. one.Tokens], text.Tokens);
        Assert.Equal(text.Tokens, ids.Tokens);
        Assert.Equal(tokens.Count + 12, text.TokenCount);
        Assert.Equal(0, text.CommittedCount);
        Assert.Equal(FinishReason.MaxTokens, one.Result!.FinishReason);
        Assert.Equal(tokens.Count, one.Result.PromptTokens);
        Assert.Equal(12, one.Result.GeneratedTokens);

        // No beginning of sequence in the middle of one.
        IReadOnlyList<int> more = await rig.Model.TokenizeAsync(" and another", addSpecial: false);
        Response three = await ReadAsync(text.InferAsync(" and another", Greedy(4)));
        Response four = await ReadAsync(ids.InferAsync(more.ToArray(), Greedy(4)));
        Assert.Equal(three.Tokens, four.Tokens);
        Assert.Equal(more.Count, three.Result!.PromptTokens);

        // Nothing more to say: it goes on.
        Response five = await ReadAsync(ids.InferAsync(ReadOnlyMemory<int>.Empty, Greedy(1)));
        Assert.Single(five.Tokens);
    }

    [Fact]
    public async Task Where_reuse_ended_is_told()
    {
        await using Rig rig = await LoadAsync();
        await using IInferenceSession first = rig.Model.OpenSession();
        Assert.Equal(ReuseBreakReason.NothingHeld, (await ReadAsync(first.InferAsync(Prompt + " in one line", Greedy(2)))).Result!.ReuseBreak!.Reason);
        await using IInferenceSession second = rig.Model.OpenSession();
        InferenceResult result = (await ReadAsync(second.InferAsync(Prompt + " of two gates", Greedy(2)))).Result!;
        Assert.Equal((result.ReusedTokens, ReuseBreakReason.Differs), (result.ReuseBreak!.Position, result.ReuseBreak.Reason));
        Assert.Contains(Prompt[^8..], result.ReuseBreak.Before, StringComparison.Ordinal);
        Assert.EndsWith("of two gates", result.ReuseBreak.After, StringComparison.Ordinal);
        await using IInferenceSession third = rig.Model.OpenSession();
        Assert.Null((await ReadAsync(third.InferAsync(Prompt + " of two gates", Greedy(2)))).Result!.ReuseBreak);
    }

    [Fact]
    public async Task A_seed_repeats_and_is_told()
    {
        await using Rig rig = await LoadAsync();
        var options = new InferenceOptions { MaxTokens = 8, Temperature = 1.5f, LogitBias = new Dictionary<int, float> { [5] = float.NegativeInfinity } };
        await using IInferenceSession first = rig.Model.OpenSession();
        Response drawn = await ReadAsync(first.InferAsync(Prompt, options));
        await using IInferenceSession second = rig.Model.OpenSession();
        Response given = await ReadAsync(second.InferAsync(Prompt, options with { Seed = drawn.Result!.Seed }));
        Assert.Equal(drawn.Tokens, given.Tokens);
    }

    [Fact]
    public async Task Log_probabilities_come_with_the_tokens_and_the_prompts_with_the_result()
    {
        await using Rig rig = await LoadAsync();
        await using IInferenceSession session = rig.Model.OpenSession();
        int[] prompt = [.. await rig.Model.TokenizeAsync(Prompt)];
        InferenceOptions options = Greedy(8) with { LogProbabilities = 3, PromptLogProbabilities = true };
        InferenceUpdate[] updates = [.. await ReadAllAsync(session.InferAsync(prompt, options))];
        Assert.Equal(9, updates.Length);
        foreach (InferenceUpdate update in updates[..^1])
        {
            TokenLogProbabilities said = update.LogProbabilities!;
            Assert.Equal(update.TokenId, said.Token.TokenId);
            Assert.Equal(said.Token.LogProbability, said.Top[0].LogProbability);
            Ordered(said);
        }

        byte[] text = [.. updates[..^1].SelectMany(u => u.LogProbabilities!.Token.Bytes.ToArray())];
        Assert.Equal(string.Concat(updates.Select(u => u.Text)), System.Text.Encoding.UTF8.GetString(text));
        Assert.Null(updates[^1].LogProbabilities);
        IReadOnlyList<TokenLogProbabilities?> ofPrompt = updates[^1].Result!.PromptLogProbabilities!;
        Assert.Equal(prompt.Length, ofPrompt.Count);
        Assert.Null(ofPrompt[0]);
        Assert.Equal(prompt[1..], ofPrompt.Skip(1).Select(p => p!.Token.TokenId));
        Assert.All(ofPrompt.Skip(1), p => Ordered(p!));

        // The same of a prompt that follows, and none where nobody asked.
        updates = [.. await ReadAllAsync(session.InferAsync(prompt, options))];
        Assert.DoesNotContain(null, updates[^1].Result!.PromptLogProbabilities!);
        updates = [.. await ReadAllAsync(session.InferAsync(prompt, Greedy(2)))];
        Assert.All(updates, u => Assert.Null(u.LogProbabilities));
        Assert.Null(updates[^1].Result!.PromptLogProbabilities);

        static void Ordered(TokenLogProbabilities said)
        {
            Assert.Equal(3, said.Top.Count);
            Assert.Equal(said.Top.OrderByDescending(t => t.LogProbability).ThenBy(t => t.TokenId), said.Top);
            Assert.All(said.Top, t => Assert.True(t.LogProbability <= 0));
        }

        static async Task<List<InferenceUpdate>> ReadAllAsync(IAsyncEnumerable<InferenceUpdate> updates)
        {
            var all = new List<InferenceUpdate>();
            await foreach (InferenceUpdate update in updates)
                all.Add(update);
            return all;
        }
    }

    [Fact]
    public async Task A_stop_string_ends_the_text()
    {
        await using Rig rig = await LoadAsync();
        await using IInferenceSession session = rig.Model.OpenSession();
        string text = (await ReadAsync(session.InferAsync(Prompt, Greedy(16)))).Text;
        string stop = text.Substring(text.Length / 2, 2);
        await using IInferenceSession other = rig.Model.OpenSession();
        Response stopped = await ReadAsync(other.InferAsync(Prompt, Greedy(16) with { Stop = [stop] }));
        Assert.Equal(FinishReason.StopString, stopped.Result!.FinishReason);
        Assert.Equal(text[..text.IndexOf(stop, StringComparison.Ordinal)], stopped.Text);
    }

    [Fact]
    public async Task Options_out_of_range_are_refused_by_the_call()
    {
        await using Rig rig = await LoadAsync();
        Fails<VaiUsageException>(VaiError.InvalidOption, () => rig.Model.OpenSession(new SessionOptions { BufferedUpdates = 0 }));
        await using IInferenceSession session = rig.Model.OpenSession();
        Fails<VaiUsageException>(VaiError.InvalidOption, () => session.InferAsync("x", new InferenceOptions { Temperature = float.NaN }));
        Fails<VaiUsageException>(VaiError.InvalidOption, () => session.InferAsync("x", new InferenceOptions { MaxTokens = 0 }));
        Fails<VaiUsageException>(VaiError.InvalidOption, () => session.InferAsync(new[] { 2048 }));
        Fails<VaiUsageException>(
            VaiError.InvalidOption, () => session.InferAsync("x", new InferenceOptions { LogitBias = new Dictionary<int, float> { [9999] = 1 } }));
        Assert.Throws<ArgumentNullException>(() => session.InferAsync((string)null!));
        await FailsAsync<VaiUsageException>(VaiError.InvalidOption, () => ReadAsync(session.InferAsync(ReadOnlyMemory<int>.Empty)));
        await FailsAsync<VaiUsageException>(VaiError.ContextFull, () => ReadAsync(session.InferAsync(new int[2048], Greedy(1))));
        Assert.Equal(0, session.TokenCount);
        await FailsAsync<VaiUsageException>(VaiError.NotSupported, async () => await rig.Model.EmbedAsync("x"));
    }

    [Fact]
    public async Task A_prompt_that_is_changed_behind_the_call_is_the_one_that_was_checked()
    {
        await using Rig rig = await LoadAsync();
        await using IInferenceSession session = rig.Model.OpenSession();
        await using IInferenceSession other = rig.Model.OpenSession(new SessionOptions { BufferedUpdates = 4096 });
        Task<Response> beside = ReadAsync(other.InferAsync(Prompt, Greedy(1000)));
        foreach (int id in (int[])[int.MaxValue, -7])
        {
            int[] prompt = [5, 6, 7, 8];
            IAsyncEnumerable<InferenceUpdate> updates = session.InferAsync(prompt, Greedy(1));
            prompt[2] = id;
            await ReadAsync(updates);
            Assert.Equal([5, 6, 7, 8], session.Tokens.Take(4));
            await session.RollbackAsync();
        }

        // In the same steps.
        Assert.Equal(1000, (await beside).Tokens.Count);
    }

    [Fact]
    public async Task A_text_that_cannot_fit_is_refused_by_its_bytes()
    {
        await using Rig rig = await LoadAsync();
        await using IInferenceSession session = rig.Model.OpenSession();
        VaiUsageException error = await Assert.ThrowsAsync<VaiUsageException>(() => ReadAsync(session.InferAsync(new string('\u4e2d', 400_000), Greedy(1))));
        Assert.Equal(VaiError.ContextFull, error.Code);

        // Nobody has tokenized it: its tokens are not known.
        Assert.Contains("1200000 bytes", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, session.TokenCount);
    }

    [Fact]
    public async Task A_deadline_before_the_first_token_is_an_error()
    {
        await using Rig rig = await LoadAsync();
        await using IInferenceSession session = rig.Model.OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(4)));
        IReadOnlyList<int> before = session.Tokens;
        await FailsAsync<VaiUsageException>(
            VaiError.DeadlineExceeded, () => ReadAsync(session.InferAsync(new int[1000], Greedy(4) with { Deadline = TimeSpan.Zero })));
        Assert.Equal(before, session.Tokens);
        await ReadAsync(session.InferAsync(" go on", Greedy(4)));
    }

    [Fact]
    public async Task Cancelled_before_the_first_token_nothing_happened()
    {
        await using Rig rig = await LoadAsync();
        await using IInferenceSession session = rig.Model.OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(4)));
        IReadOnlyList<int> before = session.Tokens;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => ReadAsync(session.InferAsync("x", Greedy(4), new CancellationToken(canceled: true))));
        Assert.Equal(before, session.Tokens);

        // Cancelled while it is on its way: all of it or nothing, and the session is free.
        using var cancel = new CancellationTokenSource();
        IAsyncEnumerator<InferenceUpdate> updates = session.InferAsync(new int[1500], Greedy(4), cancel.Token).GetAsyncEnumerator();
        Task<bool> first = updates.MoveNextAsync().AsTask();
        await cancel.CancelAsync();
        try
        {
            await first;
        }
        catch (OperationCanceledException)
        {
            // Expected, unless the first token was quicker.
        }

        await updates.DisposeAsync();
        Assert.True(session.TokenCount == before.Count || session.TokenCount > before.Count + 1500);
        Assert.Equal(before, session.Tokens.Take(before.Count));
    }

    [Fact]
    public async Task Cancelled_later_it_keeps_what_was_generated()
    {
        await using Rig rig = await LoadAsync();
        IReadOnlyList<int> prompt = await rig.Model.TokenizeAsync(Prompt);
        await using IInferenceSession session = rig.Model.OpenSession();
        using var cancel = new CancellationTokenSource();
        var seen = new List<int>();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (InferenceUpdate update in session.InferAsync(Prompt, Greedy(1000), cancel.Token))
            {
                seen.Add(update.TokenId);

                // What was on its way is handed over after the end, when the session is free.
                if (!cancel.IsCancellationRequested)
                    Assert.Throws<VaiUsageException>(() => session.Tokens);
                Assert.True(session.TokenCount > prompt.Count);
                if (seen.Count == 3)
                    await cancel.CancelAsync();
            }
        });
        AssertKept(session, prompt, seen);
        await AssertGoesOnAsync(rig.Model, session);
    }

    [Fact]
    public async Task A_reader_that_leaves_keeps_what_was_generated()
    {
        await using Rig rig = await LoadAsync();
        IReadOnlyList<int> prompt = await rig.Model.TokenizeAsync(Prompt);
        await using IInferenceSession session = rig.Model.OpenSession();
        var seen = new List<int>();
        await foreach (InferenceUpdate update in session.InferAsync(Prompt, Greedy(1000)))
        {
            seen.Add(update.TokenId);
            if (seen.Count == 3)
                break;
        }

        AssertKept(session, prompt, seen);
        await AssertGoesOnAsync(rig.Model, session);
    }

    [Fact]
    public async Task Commit_and_rollback()
    {
        await using Rig rig = await LoadAsync();
        await using IInferenceSession session = rig.Model.OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(4)));
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
        await using IInferenceSession session = rig.Model.OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(4)));
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
        await using IInferenceSession session = rig.Model.OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(4)));
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
        await using IInferenceSession session = model.OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(4)));
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

    [Fact]
    public async Task Text_to_tokens_and_back()
    {
        await using Rig rig = await LoadAsync();
        IReadOnlyList<int> with = await rig.Model.TokenizeAsync("gate é");
        IReadOnlyList<int> without = await rig.Model.TokenizeAsync("gate é", addSpecial: false);
        Assert.Equal(without, with.Skip(with.Count - without.Count));
        Assert.Contains("gate é", await rig.Model.DetokenizeAsync(with));
        await FailsAsync<VaiUsageException>(VaiError.InvalidOption, async () => await rig.Model.DetokenizeAsync([2048]));
        string chat = await rig.Model.RenderChatAsync([new ChatTurn("user", "Hello")]);
        Assert.Contains("Hello", chat);
        await FailsAsync<VaiUsageException>(VaiError.InvalidOption, async () => await rig.Model.RenderChatAsync([]));
    }

    [Fact]
    public async Task An_embedding_model_embeds()
    {
        await using Rig rig = await StartAsync(o => o.AddModel("e", Models["tiny-bert"], Plain));
        IModelContext model = rig.Vai.Select(await rig.Vai.LoadAsync("e"));
        ReadOnlyMemory<float> one = await model.EmbedAsync("a gate");
        Assert.Equal(model.Info.EmbeddingLength, one.Length);
        Assert.Equal(1, Math.Sqrt(one.ToArray().Sum(v => (double)v * v)), 3);
        Assert.Equal(one.ToArray(), (await model.EmbedAsync("a gate")).ToArray());
        Fails<VaiUsageException>(VaiError.NotSupported, () => model.OpenSession());
        await FailsAsync<VaiUsageException>(
            VaiError.ContextFull, async () => await model.EmbedAsync(string.Join(' ', Enumerable.Repeat("gate", 1000))));
    }

    [Fact]
    public async Task Many_streams_run_at_once()
    {
        await using Rig rig = await LoadAsync();
        Response[] all = await Task.WhenAll(Enumerable.Range(0, 12).Select(async _ =>
        {
            await using IInferenceSession session = rig.Model.OpenSession();
            return await ReadAsync(session.InferAsync(Prompt, Greedy(6)));
        }));
        Assert.All(all, r => Assert.Equal(6, r.Result!.GeneratedTokens));
    }

    protected abstract Task<Rig> StartAsync(Action<VaiOptions> configure);

    protected static void Plain(ModelOptions model) => model.Profile = RomProfile.None;

    protected async Task<Rig> LoadAsync()
    {
        Rig rig = await StartAsync(o => o.AddModel("m", Models["tiny"], Plain));
        rig.Model = rig.Vai.Select(await rig.Vai.LoadAsync("m"));
        return rig;
    }

    internal static InferenceOptions Greedy(int tokens) => InferenceOptions.Greedy with { MaxTokens = tokens };

    internal static Task<Response> ReadAsync(IAsyncEnumerable<InferenceUpdate> updates) => Response.ReadAsync(updates);

    private static void AssertKept(IInferenceSession session, IReadOnlyList<int> prompt, List<int> seen)
    {
        IReadOnlyList<int> kept = session.Tokens;
        Assert.Equal(kept.Count, session.TokenCount);
        Assert.Equal([.. prompt, .. seen], kept.Take(prompt.Count + seen.Count));
    }

    // Another session with what this one says it holds goes on with the same tokens.
    private static async Task AssertGoesOnAsync(IModelContext model, IInferenceSession session)
    {
        IReadOnlyList<int> kept = session.Tokens;
        Response one = await ReadAsync(session.InferAsync(" or", Greedy(1)));
        Assert.Equal(kept.Count + one.Result!.PromptTokens + 1, session.TokenCount);
        Assert.Equal(kept, session.Tokens.Take(kept.Count));
        Assert.Same(model, session.Model);
    }

    private static void Fails<TError>(VaiError code, Func<object> act)
        where TError : VaiException => Assert.Equal(code, Assert.Throws<TError>(act).Code);

    internal static async Task FailsAsync<TError>(VaiError code, Func<Task> act)
        where TError : VaiException => Assert.Equal(code, (await Assert.ThrowsAsync<TError>(act)).Code);

    /// <summary>An IVai, and what is behind it.</summary>
    protected sealed class Rig(IVai vai, params IAsyncDisposable[] behind) : IAsyncDisposable
    {
        public IVai Vai => vai;

        public IModelContext Model { get; set; } = null!;

        public async ValueTask DisposeAsync()
        {
            await vai.DisposeAsync();
            foreach (IAsyncDisposable b in behind)
                await b.DisposeAsync();
        }
    }

    private sealed class Listener(List<LoadPhase> phases) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            lock (phases)
                phases.Add(value.Phase);
        }
    }
}

/// <summary>The engine in this process.</summary>
public sealed class EngineConformance(ForgedModels models) : VaiConformance(models)
{
    protected override Task<Rig> StartAsync(Action<VaiOptions> configure) =>
        Task.FromResult(new Rig(ApiHost.Engine(Models, configure)));
}

/// <summary>An engine behind a socket.</summary>
public sealed class RemoteConformance(ForgedModels models) : VaiConformance(models)
{
    protected override async Task<Rig> StartAsync(Action<VaiOptions> configure)
    {
        string socket = Models.NewFile("sock");
        ApiHost host = await ApiHost.StartAsync(socket, Models);
        return new Rig(
            Vai.Create(o =>
            {
                configure(o);
                o.UseDaemon(socket);
            }),
            host);
    }
}
