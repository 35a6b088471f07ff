using VAI.Forge;
using Xunit.Abstractions;

namespace VAI.Core.Tests;

/// <summary>A reciter says its script through the whole engine too: from ROM, under every profile, drawn by lot or not.</summary>
public sealed class ReciterTests(ForgedModels models, ITestOutputHelper output) : EngineTest(models), IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vai-reciter-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(RomProfile.Fast, FlashAttention.On)]
    [InlineData(RomProfile.Exact, FlashAttention.Auto)]
    [InlineData(RomProfile.Fast, FlashAttention.Off)]
    [InlineData(RomProfile.None, FlashAttention.Auto)]
    public async Task A_script_is_recited_token_by_token(RomProfile profile, FlashAttention fused)
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        string script = RandomScript(new Random(seed), 300);
        ReciterResult made = await ForgeAsync(new ReciterOptions { Scripts = [new(script)], Seed = (ulong)seed });
        (IVai vai, IModelContext model) = await LoadAsync(made.File, m =>
        {
            m.Profile = profile;
            m.FlashAttention = fused;
        });
        await using IVai _ = vai;
        IReadOnlyList<int> end = await model.TokenizeAsync("<|im_end|>", addSpecial: false);
        foreach (InferenceOptions options in (InferenceOptions[])[Greedy(2000), new() { MaxTokens = 2000, Temperature = 1, TopK = 0, TopP = 1, MinP = 0 }])
        {
            await using IInferenceSession session = model.OpenSession();
            Response response = await ReadAsync(session.InferAsync(Prompt, options));
            Assert.Equal([.. made.Scripts[0], .. end], response.Tokens);
            Assert.Equal(script, response.Text);
            Assert.Equal(FinishReason.EndOfSequence, response.Result!.FinishReason);
        }
    }

    [Fact]
    public async Task Another_turn_calls_for_another_script()
    {
        const string call = "<tool_call>\n{\"name\": \"weather\"}\n</tool_call>", answer = "It rains. ☔", thanks = "You are welcome.";
        ReciterResult made = await ForgeAsync(new ReciterOptions { Scripts = [new(call), new(answer, "<tool_response>"), new(thanks, "Thanks")] });
        (IVai vai, IModelContext model) = await LoadAsync(made.File);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        foreach ((string said, string expected) in ((string, string)[])
            [("Weather?", call), ("<tool_response>rain</tool_response>", answer), ("Thanks!", thanks), ("And now?", thanks)])
        {
            string prompt = $"<|im_start|>user\n{said}<|im_end|>\n<|im_start|>assistant\n";
            Assert.Equal(expected, (await ReadAsync(session.InferAsync(prompt, Greedy(100)))).Text);
        }
    }

    private static string RandomScript(Random random, int parts)
    {
        string[] known = ["the ", "{\"a\": ", "}", "\n", "é", "日本", "🎛", "<think>", "</think>", "<tool_call>", "</tool_call>", "<", "a", "a", "1"];
        return string.Concat(Enumerable.Range(0, parts).Select(_ => known[random.Next(known.Length)]));
    }

    private Task<ReciterResult> ForgeAsync(ReciterOptions options) =>
        ModelForge.ForgeReciterAsync(Path.Combine(_folder.FullName, "reciter.gguf"), options);
}
