using VAI.Core.Tests.Determinism;
using VAI.Forge;
using VAI.Sessions;

namespace VAI.Core.Tests.Sampling;

/// <summary>Log probabilities against the logits of llama.cpp alone.</summary>
public sealed class LogProbabilityTests(ForgedModels models) : EngineTest(models)
{
    private const int Length = 256;

    private static readonly InferenceOptions Asked = new()
    {
        MaxTokens = 6,
        Seed = 3,
        Temperature = 1.5f,
        RepeatPenalty = 1.3f,
        LogitBias = new Dictionary<int, float> { [9] = 4, [10] = float.NegativeInfinity },
        LogProbabilities = 20,
        PromptLogProbabilities = true,
    };

    [Fact]
    public async Task They_are_the_models_own_whatever_the_sampler_makes_of_them()
    {
        string file = Models.NewFile("tiny.gguf");
        await ModelForge.ForgeAsync("tiny", file, new ForgeOptions { Type = ForgeType.Q4_0 });
        int[] first = [.. Enumerable.Range(0, 70).Select(i => 3 + (i * 37 % 900))], second = [5, 6, 7, 8];
        List<InferenceUpdate> one, two, again;
        (IVai vai, IModelContext model) = await LoadAsync(file, o => (o.Profile, o.ContextLength, o.SramTokens) = (RomProfile.Exact, Length, 2 * Length));
        await using (vai)
        {
            await using IInferenceSession session = model.OpenSession();
            one = await ReadAllAsync(session.InferAsync(first, Asked));
            two = await ReadAllAsync(session.InferAsync(second, Asked));

            // Another session finds the prompt in the KV.
            await using IInferenceSession other = model.OpenSession();
            again = await ReadAllAsync(other.InferAsync(first, Asked));

            // What was interrupted before its result has all of it, too.
            await using IInferenceSession resumed = model.OpenSession();
            int[] generated = [.. again[..^1].Select(u => u.TokenId)];
            List<InferenceUpdate> rest = await ReadAllAsync(((IResumableSession)resumed).ResumeAsync(first, generated, Asked));
            Same(again[^1].Result!.PromptLogProbabilities!, Assert.Single(rest).Result!.PromptLogProbabilities!);
        }

        using var reference = new Reference(file, Length, sequences: 2);
        int[] firstAnswer = [.. one[..^1].Select(u => u.TokenId)];
        Piece[] before = [new(first, false), new(firstAnswer, true)];
        Check(reference, [], first, one);
        Check(reference, before, second, two);
        Same(one[^1].Result!.PromptLogProbabilities!, again[^1].Result!.PromptLogProbabilities!);
    }

    /// <summary>Where a row's logits depend on how many have some, the step that ends a prompt is made again for its last row alone.</summary>
    [Theory]
    [InlineData(ForgeType.Q4_K)]
    [InlineData(ForgeType.F16)]
    public async Task Asking_for_those_of_a_prompt_changes_no_token_under_exact(ForgeType type)
    {
        string file = Models.NewFile($"asked-{type}.gguf");
        await ModelForge.ForgeAsync("tiny", file, new ForgeOptions { Type = type });
        int[] prompt = [.. Enumerable.Range(0, 60).Select(i => 3 + (i * 37 % 900))];
        (IVai vai, IModelContext model) = await LoadAsync(file, o => (o.Profile, o.ContextLength, o.SramTokens) = (RomProfile.Exact, Length, 2 * Length));
        await using IVai _ = vai;
        InferenceOptions options = Asked with { MaxTokens = 40 };
        var asked = new List<List<InferenceUpdate>>();
        foreach (InferenceOptions o in (InferenceOptions[])[options with { PromptLogProbabilities = false }, options, options])
        {
            await using IInferenceSession session = model.OpenSession();
            asked.Add(await ReadAllAsync(session.InferAsync(prompt, o)));
            Assert.Equal(prompt.Length + 40, session.TokenCount);
        }

        for (int i = 1; i < asked.Count; i++)
        {
            Assert.Equal(asked[0].Select(u => u.TokenId), asked[i].Select(u => u.TokenId));
            Assert.Equal(
                asked[0][..^1].Select(u => u.LogProbabilities!.Token.LogProbability), asked[i][..^1].Select(u => u.LogProbabilities!.Token.LogProbability));
        }

        Same(asked[1][^1].Result!.PromptLogProbabilities!, asked[2][^1].Result!.PromptLogProbabilities!);
    }

    private static void Check(Reference reference, Piece[] before, int[] prompt, List<InferenceUpdate> updates)
    {
        IReadOnlyList<TokenLogProbabilities?> ofPrompt = updates[^1].Result!.PromptLogProbabilities!;
        Assert.Equal(prompt.Length, ofPrompt.Count);
        for (int i = 0; i < prompt.Length; i++)
        {
            if (before.Length == 0 && i == 0)
                Assert.Null(ofPrompt[i]);
            else
                Check(reference.Logits([.. before, new(prompt[..i], false)]), prompt[i], ofPrompt[i]!);
        }

        int[] answer = [.. updates[..^1].Select(u => u.TokenId)];
        for (int i = 0; i < answer.Length; i++)
            Check(reference.Logits([.. before, new(prompt, false), new(answer[..i], true)]), answer[i], updates[i].LogProbabilities!);
    }

    private static void Check(float[] logits, int token, TokenLogProbabilities said)
    {
        double highest = logits.Max(), normaliser = highest + Math.Log(logits.Sum(l => Math.Exp(l - highest)));
        Assert.Equal(token, said.Token.TokenId);
        Assert.Equal(logits[token] - normaliser, said.Token.LogProbability, 1e-5);
        int[] top = [.. Enumerable.Range(0, logits.Length).OrderByDescending(i => logits[i]).ThenBy(i => i).Take(20)];
        Assert.Equal(top, said.Top.Select(t => t.TokenId));
        Assert.All(said.Top, t => Assert.Equal(logits[t.TokenId] - normaliser, t.LogProbability, 1e-5));
    }

    private static void Same(IReadOnlyList<TokenLogProbabilities?> a, IReadOnlyList<TokenLogProbabilities?> b) => Assert.Equal(
        a.Select(p => (p?.Token.TokenId, p?.Token.LogProbability)), b.Select(p => (p?.Token.TokenId, p?.Token.LogProbability)));

    private static async Task<List<InferenceUpdate>> ReadAllAsync(IAsyncEnumerable<InferenceUpdate> updates)
    {
        var all = new List<InferenceUpdate>();
        await foreach (InferenceUpdate update in updates)
            all.Add(update);
        return all;
    }
}
