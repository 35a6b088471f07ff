using System.Globalization;
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

    [Fact]
    public Task Random_operations_never_change_a_token() => RunAsync(
        1000, 192, compareKv: true, ("tiny", ForgeType.Q4_0), ("tiny-qwen3", ForgeType.Q4_K));

    /// <summary>Where the window has moved on nothing can be gone back to, and everything is computed again.</summary>
    [Fact]
    public Task Sliding_windows_and_experts_change_nothing_either() => RunAsync(
        120, 600, compareKv: false, ("tiny-gemma3", ForgeType.Q4_0), ("tiny-qwen3moe", ForgeType.Q4_0));

    private async Task RunAsync(int operations, int contextLength, bool compareKv, params (string Shape, ForgeType Type)[] shapes)
    {
        operations = Variable("VAI_TEST_OPERATIONS") ?? operations;
        int seed = Variable("VAI_TEST_SEED") ?? Random.Shared.Next();
        output.WriteLine($"VAI_TEST_OPERATIONS={operations} VAI_TEST_SEED={seed}");
        var files = new Dictionary<string, string>();
        foreach ((string shape, ForgeType type) in shapes)
            files[shape] = await ForgeAsync(shape, type);
        DirectoryInfo scratch = Directory.CreateTempSubdirectory("vai-exact-");
        Actor[] actors;
        await using (IVai vai = Vai.Create(o => o.Threads = 2))
        {
            // Three lines for what may be eight sessions: parking and waiting are the rule.
            foreach ((string name, string file) in files)
            {
                await vai.LoadAsync(new ModelOptions
                {
                    Name = name,
                    File = file,
                    Profile = RomProfile.Exact,
                    ContextLength = contextLength,
                    SramTokens = 3 * contextLength,
                });
            }

            actors = [.. Enumerable.Range(0, Actors).Select(i => new Actor(vai, seed + i, scratch.FullName, compareKv))];
            await Task.WhenAll(actors.Select(a => Task.Run(() => a.RunAsync(operations / Actors))));
        }

        scratch.Delete(recursive: true);
        int transactions = 0, images = 0;
        foreach ((string name, string file) in files)
        {
            using var reference = new Reference(file, contextLength);
            foreach (Claim claim in actors.SelectMany(a => a.Claims).Where(c => c.Model == name))
            {
                Assert.Equal(reference.Generate(claim.History, claim.Options, claim.Generated.Length), claim.Generated);
                transactions++;
            }

            foreach (KvClaim claim in actors.SelectMany(a => a.KvClaims).Where(c => c.Model == name))
            {
                Assert.Equal(reference.KvOf(claim.History, claim.Tokens), claim.Digest);
                images++;
            }
        }

        output.WriteLine($"{transactions} transactions and {images} KV images are the reference's");
        Assert.True(transactions > operations / 4 && (!compareKv || images > operations / 20), $"{transactions} transactions, {images} images");
    }

    private static int? Variable(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.Integer, CultureInfo.InvariantCulture, out int value) ? value : null;

    private async Task<string> ForgeAsync(string shape, ForgeType type)
    {
        string file = Models.NewFile($"exact-{shape}.gguf");
        if (!File.Exists(file))
            await ModelForge.ForgeAsync(shape, file, new ForgeOptions { Type = type });
        return file;
    }
}
