using VAI.Forge;
using Xunit.Abstractions;

namespace VAI.Core.Tests.Determinism;

/// <summary>
/// Profile exact: whatever is done to eight sessions of two models at once, each transaction is what one session alone computes.
/// VAI_TEST_OPERATIONS sets how much is done, VAI_TEST_SEED repeats a run's choices (the interleaving is the scheduler's).
/// </summary>
public sealed class ExactProfileTests(ForgedModels models, ITestOutputHelper output) : EngineTest(models)
{
    private const int Actors = 4;

    // Few lines for what may be eight sessions, so that parking and waiting are the rule; and more than packed kernels take one by one. Parts of
    // one length have flash attention, those of the other do not.
    [Theory]
    [InlineData(192, 3)]
    [InlineData(192, 7)]
    [InlineData(300, 3)]
    [InlineData(300, 7)]
    public Task Random_operations_never_change_a_token(int contextLength, int lines) => RunAsync(
        500, contextLength, lines, ("tiny", ForgeType.Q4_0), ("tiny-qwen3", ForgeType.Q4_K));

    /// <summary>A copy is of what no window has left behind, and of experts and floats a step has one row.</summary>
    [Theory]
    [InlineData("tiny-gemma3", ForgeType.Q4_0, "tiny-qwen3moe", ForgeType.Q4_K)]
    [InlineData("tiny-gemma3", ForgeType.F16, "tiny", ForgeType.F16)]
    public Task Sliding_windows_experts_and_floats_change_nothing_either(string shape, ForgeType type, string other, ForgeType otherType) => RunAsync(
        160, 600, 3, (shape, type), (other, otherType));

    /// <summary>llama.cpp itself goes on in other cells after a copy, once the window has left some behind.</summary>
    [Fact]
    public async Task A_session_longer_than_the_window_goes_on_alike_after_parking_and_forking()
    {
        const int Length = 600;
        string file = await ForgeAsync("tiny-gemma3", ForgeType.Q4_0);
        InferenceOptions options = new() { MaxTokens = 40, Seed = 7, Temperature = 1.5f, TopK = 0, TopP = 1, MinP = 0 };
        int[] prompt = [.. Enumerable.Range(0, 300).Select(i => 3 + (i * 37 % 900))], more = prompt[..40];
        (IVai vai, IModelContext model) = await LoadAsync(file, o => (o.Profile, o.ContextLength, o.SramTokens) = (RomProfile.Exact, Length, 2 * Length));
        await using IVai owned = vai;
        await using IInferenceSession session = model.OpenSession();
        int[] first = [.. (await ReadAsync(session.InferAsync(prompt, options))).Tokens];
        await using IInferenceSession child = await session.ForkAsync();
        await session.ParkAsync();
        int[] parked = [.. (await ReadAsync(session.InferAsync(more, options))).Tokens];
        int[] forked = [.. (await ReadAsync(child.InferAsync(more, options))).Tokens];
        using var reference = new Reference(file, Length, sequences: 1);
        Piece[] history = [new(prompt, false), new(first, true), new(more, false)];
        int[] wanted = reference.Generate(history, options, parked.Length);
        Assert.Equal(wanted, parked);
        Assert.Equal(wanted, forked);
    }

    private async Task RunAsync(int operations, int contextLength, int lines, params (string Shape, ForgeType Type)[] shapes)
    {
        operations = TestVariables.Number("VAI_TEST_OPERATIONS") ?? operations;
        int seed = TestVariables.Seed();
        output.WriteLine($"VAI_TEST_OPERATIONS={operations} VAI_TEST_SEED={seed}");
        var files = new Dictionary<string, string>();
        foreach ((string shape, ForgeType type) in shapes)
            files[shape] = await ForgeAsync(shape, type);
        DirectoryInfo scratch = Directory.CreateTempSubdirectory("vai-exact-");
        Actor[] actors;
        await using (IVai vai = Vai.Create(o => o.Threads = 2))
        {
            foreach ((string name, string file) in files)
            {
                await vai.LoadAsync(new ModelOptions
                {
                    Name = name,
                    File = file,
                    Profile = RomProfile.Exact,
                    ContextLength = contextLength,
                    SramTokens = lines * contextLength,
                });
            }

            actors = [.. Enumerable.Range(0, Actors).Select(i => new Actor(vai, seed + i, scratch.FullName))];
            await Task.WhenAll(actors.Select(a => Task.Run(() => a.RunAsync(operations / Actors))));
        }

        scratch.Delete(recursive: true);
        int transactions = 0, images = 0;
        foreach ((string name, string file) in files)
        {
            using var reference = new Reference(file, contextLength, lines);
            foreach (Claim claim in actors.SelectMany(a => a.Claims).Where(c => c.Model == name))
            {
                Assert.Equal(reference.Generate(claim.History, claim.Options, claim.Generated.Length), claim.Generated);
                transactions++;
            }

            foreach (KvClaim claim in actors.SelectMany(a => a.KvClaims).Where(c => c.Model == name))
            {
                Assert.Equal(reference.KvOf(claim.History, claim.Tokens, claim.Sequence), claim.Digest);
                images++;
            }
        }

        output.WriteLine($"{transactions} transactions and {images} KV images are the reference's");
        Assert.True(transactions > operations / 4 && images > operations / 20, $"{transactions} transactions, {images} images");
    }

    private async Task<string> ForgeAsync(string shape, ForgeType type)
    {
        string file = Models.NewFile($"exact-{shape}-{type}.gguf");
        if (!File.Exists(file))
            await ModelForge.ForgeAsync(shape, file, new ForgeOptions { Type = type });
        return file;
    }
}
