using System.Text;
using VAI.Bench;

namespace VAI.Core.Tests;

public sealed class GenerationTests(ForgedModels models) : EngineTest(models)
{
    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-qwen2")]
    [InlineData("tiny-qwen3")]
    [InlineData("tiny-gemma3")]
    [InlineData("tiny-qwen3moe")]
    public async Task Greedy_output_equals_the_bare_loop_token_for_token(string shape)
    {
        const int Tokens = 64;
        (IVai vai, IModelContext model) = await LoadAsync(Models[shape]);
        await using IVai _ = vai;
        using var bare = new BareLoop(Models[shape], model.ContextLength, threads: 2);
        foreach (string prompt in (string[])[Prompt, "UART", "What is a clock domain crossing, and why does it matter?"])
        {
            int[] expected = new int[Tokens];
            int count = bare.Generate(bare.Tokenize(prompt), expected);
            await using IInferenceSession session = model.OpenSession();
            Response response = await ReadAsync(session.InferAsync(prompt, Greedy(Tokens)));
            Assert.Equal(expected.Take(count), response.Tokens);
        }
    }

    [Fact]
    public async Task A_prompt_longer_than_the_batch_is_cut_into_steps()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => m.BatchSize = 16);
        await using IVai _ = vai;
        using var bare = new BareLoop(Models["tiny"], model.ContextLength, threads: 2, batchSize: 16);
        string prompt = string.Concat(Enumerable.Repeat("a flip-flop holds one bit; ", 20));
        int[] tokens = bare.Tokenize(prompt);
        Assert.True(tokens.Length > 64, $"{tokens.Length} tokens");
        int[] expected = new int[16];
        int count = bare.Generate(tokens, expected);
        await using IInferenceSession session = model.OpenSession();
        Response response = await ReadAsync(session.InferAsync(prompt, Greedy(16)));
        Assert.Equal(expected.Take(count), response.Tokens);
        Assert.Equal(tokens.Length, response.Result!.PromptTokens);

        // Between two steps there is always a moment.
        InferenceResult result = response.Result;
        Assert.True(result.WaitTime > TimeSpan.Zero && result.QueueTime + result.WaitTime < result.FirstTokenTime, result.ToString());
    }

    [Fact]
    public async Task A_session_continues_where_the_last_call_ended()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        Response first = await ReadAsync(session.InferAsync(Prompt, Greedy(8)));
        Assert.Equal(0, first.Result!.ReusedTokens);
        Response second = await ReadAsync(session.InferAsync(ReadOnlyMemory<int>.Empty, Greedy(8)));

        // All but the last token of the first call are in the KV: that one was sampled and not yet computed.
        Assert.Equal(first.Result.PromptTokens + 7, second.Result!.ReusedTokens);
        Assert.Equal(session.TokenCount, session.Tokens.Count);

        await using IInferenceSession whole = model.OpenSession();
        Response both = await ReadAsync(whole.InferAsync(Prompt, Greedy(16)));
        Assert.Equal(both.Tokens, first.Tokens.Concat(second.Tokens));
    }

    [Fact]
    public async Task Text_is_what_the_tokens_bytes_decode_to()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        for (uint seed = 0; seed < 5; seed++)
        {
            await using IInferenceSession session = model.OpenSession();
            Response response = await ReadAsync(
                session.InferAsync(Prompt, new InferenceOptions { MaxTokens = 100, Seed = seed, Temperature = 5, TopK = 0, TopP = 1, MinP = 0 }));
            Assert.Equal(await model.DetokenizeAsync(response.Tokens), response.Text);
        }
    }

    [Fact]
    public async Task Tokenize_and_detokenize_round_trip()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny-qwen2"]);
        await using IVai _ = vai;
        foreach (string text in (string[])["module top(input a, b);", "naïve Übergröße 日本語 🎛", "\t\n  x", new string('a', 5000)])
        {
            IReadOnlyList<int> tokens = await model.TokenizeAsync(text, addSpecial: false);
            Assert.Equal(text, await model.DetokenizeAsync(tokens));
        }

        Assert.Equal("", await model.DetokenizeAsync([]));
        Assert.Equal(Encoding.UTF8.GetByteCount("é"), (await model.TokenizeAsync("é", addSpecial: false)).Count);
    }

    [Fact]
    public async Task The_first_response_after_a_load_says_so()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], o => o.Profile = RomProfile.None);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        Assert.Equal(SwitchClass.Loaded, (await ReadAsync(session.InferAsync(Prompt, Greedy(1)))).Result!.SwitchClass);
        InferenceResult second = (await ReadAsync(session.InferAsync(Prompt, Greedy(1)))).Result!;
        Assert.Equal(SwitchClass.Resident, second.SwitchClass);
        Assert.True(second.FirstTokenTime > TimeSpan.Zero && second.TotalTime >= second.FirstTokenTime);
    }

    [Fact]
    public async Task Embeddings_have_length_one_and_follow_the_text()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny-bert"]);
        await using IVai _ = vai;
        ReadOnlyMemory<float> a = await model.EmbedAsync("a clock domain crossing");
        ReadOnlyMemory<float> again = await model.EmbedAsync("a clock domain crossing");
        ReadOnlyMemory<float> b = await model.EmbedAsync("the quick brown fox");
        Assert.Equal(model.Info.EmbeddingLength, a.Length);
        Assert.Equal(1, Dot(a, a), 4);
        Assert.Equal(a.ToArray(), again.ToArray());
        Assert.True(Dot(a, b) < 0.9999, $"cosine {Dot(a, b)}");
        await ThrowsAsync<VaiUsageException>(
            VaiError.ContextFull, () => model.EmbedAsync(string.Concat(Enumerable.Repeat("word ", 5000))).AsTask());
        Assert.Equal(VaiError.NotSupported, Assert.Throws<VaiUsageException>(() => model.OpenSession()).Code);
    }

    private static double Dot(ReadOnlyMemory<float> a, ReadOnlyMemory<float> b) =>
        a.ToArray().Zip(b.ToArray(), (x, y) => (double)x * y).Sum();
}
