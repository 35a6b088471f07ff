using VAI.Sessions;

namespace VAI.Core.Tests.Text.Constraints.Surviving;

/// <summary>
/// Profile exact: a transaction that must answer something gives the tokens that it gives alone, whatever is done to its session, and whoever runs beside it.
/// </summary>
public sealed class ExactTests(ForgedModels models) : EngineTest(models)
{
    private const int Context = 320;

    public static TheoryData<string> Ways { get; } = [.. Constrained.All.Keys];

    [Theory]
    [InlineData(8)]
    [InlineData(3)]
    public async Task Beside_seven_others_each_answers_what_it_answers_alone(int lines)
    {
        // With three lines most are parked in the middle of their answers.
        (IVai vai, IModelContext model) = await LoadExactAsync(lines);
        await using IVai _ = vai;
        InferenceOptions[] all = [.. Constrained.All.Values];
        var alone = new List<ConstrainedAnswer>();
        foreach (InferenceOptions options in all)
            alone.Add(await AnswerAsync(model, options));
        foreach ((InferenceOptions options, ConstrainedAnswer answer) in all.Zip(alone))
            Check(options, answer);
        for (int round = 0; round < 3; round++)
        {
            ConstrainedAnswer[] beside = await Task.WhenAll(all.Select(o => Task.Run(() => AnswerAsync(model, o))));
            foreach ((ConstrainedAnswer one, ConstrainedAnswer other) in alone.Zip(beside))
                Same(one, other);
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Forked_parked_rebuilt_and_restored_it_goes_on_alike_wherever_it_was_cut(string way)
    {
        InferenceOptions options = Constrained.All[way];
        (IVai vai, IModelContext model) = await LoadExactAsync(4);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(5)));
        await session.CommitAsync();
        int[] prompt = [.. await model.TokenizeAsync(" and then", addSpecial: false)];
        ConstrainedAnswer whole = await ConstrainedAnswer.ReadAsync(session.InferAsync(prompt, options));
        Check(options, whole);
        await session.RollbackAsync();

        Func<Task<IInferenceSession>>[] ways =
        [
            async () => await session.ForkAsync(),
            async () =>
            {
                await session.ParkAsync();
                return await session.ForkAsync();
            },
            async () =>
            {
                await session.RebuildAsync();
                return await session.ForkAsync();
            },
            async () =>
            {
                string file = Models.NewFile("constrained.session");
                await session.SaveAsync(file);
                return await model.RestoreSessionAsync(file);
            },
        ];
        int[] cuts = [0, 1, 2, whole.Tokens.Count / 3, whole.Tokens.Count / 2, whole.Tokens.Count - 1, whole.Tokens.Count];
        foreach (Func<Task<IInferenceSession>> again in ways)
        {
            foreach (int cut in cuts)
            {
                await using IInferenceSession other = await again();
                ConstrainedAnswer rest = await ConstrainedAnswer.ReadAsync(((IResumableSession)other).ResumeAsync(prompt, whole.Tokens.Take(cut).ToArray(), options));
                Assert.Equal(whole.Tokens.Skip(cut), rest.Tokens);
                Assert.Equal(whole.Result.FinishReason, rest.Result.FinishReason);
                Assert.EndsWith(rest.Answer, whole.Answer, StringComparison.Ordinal);
                Assert.EndsWith(rest.Calls, whole.Calls, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task What_earlier_answers_found_out_changes_none()
    {
        (IVai vai, IModelContext model) = await LoadExactAsync(4);
        await using IVai _ = vai;
        InferenceOptions options = Constrained.All["schema"];
        ConstrainedAnswer first = await AnswerAsync(model, options);
        for (uint seed = 100; seed < 110; seed++)
            await AnswerAsync(model, options with { Seed = seed });
        Same(first, await AnswerAsync(model, options));
    }

    private Task<(IVai Vai, IModelContext Model)> LoadExactAsync(int lines) => LoadAsync(
        Models["tiny"], m => (m.Profile, m.ContextLength, m.SramTokens, m.MaxSessions) = (RomProfile.Exact, Context, lines * Context, lines));

    private static async Task<ConstrainedAnswer> AnswerAsync(IModelContext model, InferenceOptions options)
    {
        await using IInferenceSession session = model.OpenSession();
        return await ConstrainedAnswer.ReadAsync(session.InferAsync(Prompt, options));
    }

    private static void Check(InferenceOptions options, ConstrainedAnswer answer)
    {
        Assert.Equal(options.Reasoning is not null, answer.Thought.Length > 0);
        if (answer.Result.FinishReason == FinishReason.EndOfSequence)
            Assert.True(Constrained.Fits(options, answer.Answer, answer.Calls), answer.ToString());
    }

    private static void Same(ConstrainedAnswer one, ConstrainedAnswer other)
    {
        Assert.Equal(one.Tokens, other.Tokens);
        Assert.Equal((one.Thought, one.Answer, one.Calls, one.Result.FinishReason), (other.Thought, other.Answer, other.Calls, other.Result.FinishReason));
    }
}
