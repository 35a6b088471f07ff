namespace VAI.Core.Tests.Sampling;

public sealed class SamplingTests(ForgedModels models) : EngineTest(models)
{
    private static readonly InferenceOptions Wild = new() { MaxTokens = 24, Temperature = 2, TopK = 0, TopP = 1, MinP = 0 };

    [Fact]
    public async Task A_seed_repeats_a_response_and_no_seed_varies_it()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        Response a = await OnceAsync(model, Wild with { Seed = 7 });
        Assert.Equal(7u, a.Result!.Seed);
        Assert.Equal(a.Tokens, (await OnceAsync(model, Wild with { Seed = 7 })).Tokens);
        Assert.NotEqual(a.Tokens, (await OnceAsync(model, Wild with { Seed = 8 })).Tokens);
        Response drawn = await OnceAsync(model, Wild);
        Assert.NotEqual(drawn.Tokens, (await OnceAsync(model, Wild)).Tokens);
        Assert.Equal(drawn.Tokens, (await OnceAsync(model, Wild with { Seed = drawn.Result!.Seed })).Tokens);
    }

    [Fact]
    public async Task Each_option_narrows_to_greedy_at_its_end()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        List<int> greedy = (await OnceAsync(model, Wild with { Temperature = 0 })).Tokens;
        Assert.Equal(greedy, (await OnceAsync(model, Wild with { TopK = 1 })).Tokens);
        Assert.Equal(greedy, (await OnceAsync(model, Wild with { TopP = 1e-6f })).Tokens);
        Assert.Equal(greedy, (await OnceAsync(model, Wild with { MinP = 1 })).Tokens);
        Assert.Equal(greedy, (await OnceAsync(model, Wild with { Temperature = 1e-4f })).Tokens);
        Assert.NotEqual(greedy, (await OnceAsync(model, Wild with { TypicalP = 0.1f, Seed = 1 })).Tokens);
    }

    [Fact]
    public async Task Bias_bans_and_forces_tokens_and_penalties_forbid_repetition()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        InferenceOptions greedy = Greedy(24);
        int first = (await OnceAsync(model, greedy)).Tokens[0];
        Response banned = await OnceAsync(model, greedy with { LogitBias = Bias(first, float.NegativeInfinity) });
        Assert.DoesNotContain(first, banned.Tokens);
        Response forced = await OnceAsync(model, greedy with { LogitBias = Bias(first, 1e6f) });
        Assert.All(forced.Tokens, t => Assert.Equal(first, t));

        // A bias so small that the penalties of one appearance outweigh it.
        Response penalised = await OnceAsync(
            model, greedy with { LogitBias = Bias(first, 8), PresencePenalty = 10, FrequencyPenalty = 10, PenaltyLastN = 256 });
        Assert.InRange(penalised.Tokens.Count(t => t == first), 1, 3);

        static Dictionary<int, float> Bias(int token, float value) => new() { [token] = value };
    }

    [Fact]
    public async Task A_stop_string_that_spans_tokens_ends_the_text_before_it()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        Response free = await OnceAsync(model, Greedy(24));
        string stop = free.Text.Substring(free.Text.Length / 3, 7);
        Response stopped = await OnceAsync(model, Greedy(24) with { Stop = ["never appears", stop] });
        Assert.Equal(FinishReason.StopString, stopped.Result!.FinishReason);
        Assert.Equal(free.Text[..free.Text.IndexOf(stop, StringComparison.Ordinal)], stopped.Text);
    }

    [Fact]
    public async Task Every_way_to_finish_is_reported()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny-qwen2"], m => m.ContextLength = 64);
        await using IVai _ = vai;
        Assert.Equal(FinishReason.MaxTokens, (await OnceAsync(model, Greedy(3))).Result!.FinishReason);
        Response full = await OnceAsync(model, InferenceOptions.Greedy);
        Assert.Equal(FinishReason.ContextFull, full.Result!.FinishReason);
        Assert.Equal(64, full.Result.PromptTokens + full.Result.GeneratedTokens);

        IReadOnlyList<int> end = await model.TokenizeAsync("<|im_end|>", addSpecial: false);
        Response ended = await OnceAsync(
            model, InferenceOptions.Greedy with { LogitBias = new Dictionary<int, float> { [Assert.Single(end)] = 1e6f } });
        Assert.Equal(FinishReason.EndOfSequence, ended.Result!.FinishReason);
        Assert.Equal(("", 1), (ended.Text, ended.Result.GeneratedTokens));
    }

    private static async Task<Response> OnceAsync(IModelContext model, InferenceOptions options)
    {
        await using IInferenceSession session = model.OpenSession();
        return await ReadAsync(session.InferAsync(Prompt, options));
    }
}
