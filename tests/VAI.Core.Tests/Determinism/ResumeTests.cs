using VAI.Sessions;

namespace VAI.Core.Tests.Determinism;

/// <summary>A transaction taken up in another session, as after the death of the process that ran it.</summary>
public sealed class ResumeTests(ForgedModels models) : EngineTest(models)
{
    private const int Tokens = 24;

    private static readonly InferenceOptions Sampled =
        new() { MaxTokens = Tokens, Seed = 7, Temperature = 1.2f, RepeatPenalty = 1.3f, FrequencyPenalty = 0.2f };

    [Fact]
    public async Task Goes_on_behind_what_was_handed_over_wherever_it_was_cut()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.Profile = RomProfile.Exact);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        Response first = await ReadAsync(session.InferAsync(Prompt, Greedy(5)));
        SessionState state = State(session, first.Tokens.Count);
        int[] prompt = [.. await model.TokenizeAsync(" and then", addSpecial: false)];
        List<InferenceUpdate> whole = await AllAsync(session.InferAsync(prompt, Sampled));

        for (int cut = 0; cut < whole.Count; cut++)
        {
            await using IInferenceSession again = ((IRebuildableModel)model).OpenSession(null, state);
            int[] generated = [.. whole.Take(cut).Select(u => u.TokenId)];
            List<InferenceUpdate> rest = await AllAsync(((IResumableSession)again).ResumeAsync(prompt, generated, Sampled));

            Assert.Equal(whole.Skip(cut).Select(u => (u.TokenId, u.Text)), rest.Select(u => (u.TokenId, u.Text)));
            Assert.Equal(whole[^1].Result!.FinishReason, rest[^1].Result!.FinishReason);
            Assert.Equal(whole[^1].Result!.GeneratedTokens, rest[^1].Result!.GeneratedTokens);
            Assert.True(rest[^1].Result!.FirstTokenTime >= TimeSpan.Zero && rest[^1].Result!.QueueTime >= TimeSpan.Zero);
            Assert.Equal(session.Tokens, again.Tokens);
        }
    }

    [Fact]
    public async Task A_stop_string_that_was_half_handed_over_still_stops()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.Profile = RomProfile.Exact);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        int[] prompt = [.. await model.TokenizeAsync(Prompt)];
        Response free = await ReadAsync(session.InferAsync(prompt, Greedy(Tokens)));
        InferenceOptions stopped = Greedy(Tokens) with { Stop = [free.Text.Substring(free.Text.Length / 2, 6)] };
        await session.RollbackAsync();
        List<InferenceUpdate> whole = await AllAsync(session.InferAsync(prompt, stopped));
        Assert.Equal(FinishReason.StopString, whole[^1].Result!.FinishReason);

        for (int cut = 0; cut < whole.Count; cut++)
        {
            await using IInferenceSession again = model.OpenSession();
            int[] generated = [.. whole.Take(cut).Select(u => u.TokenId)];
            List<InferenceUpdate> rest = await AllAsync(((IResumableSession)again).ResumeAsync(prompt, generated, stopped));
            Assert.Equal(whole.Skip(cut).Select(u => (u.TokenId, u.Text)), rest.Select(u => (u.TokenId, u.Text)));
            Assert.Equal(FinishReason.StopString, rest[^1].Result!.FinishReason);
        }
    }

    [Fact]
    public async Task A_log_that_does_not_fit_the_model_is_refused()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.ContextLength = 32);
        await using IVai _ = vai;
        var rebuildable = (IRebuildableModel)model;
        Task Open(SessionState state) => Task.Run(() => rebuildable.OpenSession(null, state));

        await ThrowsAsync<VaiUsageException>(VaiError.InvalidOption, () => Open(new SessionState([model.Info.VocabularySize], 0)));
        await ThrowsAsync<VaiUsageException>(VaiError.InvalidOption, () => Open(new SessionState([int.MinValue], 0)));
        await ThrowsAsync<VaiUsageException>(VaiError.InvalidOption, () => Open(new SessionState([1, 2], 3)));
        await ThrowsAsync<VaiUsageException>(VaiError.InvalidOption, () => Open(new SessionState([1, 2], -1)));
        await ThrowsAsync<VaiUsageException>(VaiError.ContextFull, () => Open(new SessionState(new int[33], 0)));

        await using IInferenceSession session = model.OpenSession();
        var resumable = (IResumableSession)session;
        Assert.Equal(
            VaiError.InvalidOption,
            Assert.Throws<VaiUsageException>(() => resumable.ResumeAsync(new int[] { 1 }, new int[] { -1 }, Greedy(1))).Code);
        await ThrowsAsync<VaiUsageException>(
            VaiError.ContextFull, () => AllAsync(resumable.ResumeAsync(new int[] { 1 }, new int[32], Greedy(1))));
        Assert.Equal(0, session.TokenCount);
    }

    [Fact]
    public async Task A_conversation_is_rendered_as_ChatML_where_the_model_has_no_template()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        string long1 = new('x', 100_000);
        Assert.Equal(
            $"<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\n{long1} ü<|im_end|>\n<|im_start|>assistant\n",
            await model.RenderChatAsync([new ChatTurn("system", "be brief"), new ChatTurn("user", long1 + " ü")]));
        await ThrowsAsync<VaiUsageException>(VaiError.InvalidOption, () => model.RenderChatAsync([]).AsTask());
        await ThrowsAsync<VaiUsageException>(VaiError.InvalidOption, () => model.RenderChatAsync([new ChatTurn("", "x")]).AsTask());
        await ThrowsAsync<VaiUsageException>(VaiError.InvalidOption, () => model.RenderChatAsync([new ChatTurn("user", "a\0b")]).AsTask());
    }

    private static SessionState State(IInferenceSession session, int generated)
    {
        IReadOnlyList<int> tokens = session.Tokens;
        return new SessionState([.. tokens.Select((t, i) => i < tokens.Count - generated ? t : ~t)], 0);
    }

    private static async Task<List<InferenceUpdate>> AllAsync(IAsyncEnumerable<InferenceUpdate> updates)
    {
        var all = new List<InferenceUpdate>();
        await foreach (InferenceUpdate update in updates)
            all.Add(update);
        return all;
    }
}
