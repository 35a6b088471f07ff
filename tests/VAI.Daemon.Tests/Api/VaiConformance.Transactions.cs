namespace VAI.Daemon.Tests.Api;

/// <content>Transactions: what is asked, what comes of it, and how it ends.</content>
public abstract partial class VaiConformance
{
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
        await using IInferenceSession session = await AskedAsync(rig.Model);
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
        await using IInferenceSession session = await AskedAsync(rig.Model);
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
}
