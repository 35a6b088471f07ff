using VAI.Native.Abi;

namespace VAI.Gpu.Tests;

/// <summary>Sessions whose KV is on the device.</summary>
public sealed class SessionTests(ForgedModels models) : GpuTest(models)
{
    [Fact]
    public async Task Two_models_alternate_on_the_device()
    {
        await using IVai vai = NewEngine();
        IModelContext[] both = [await LoadAsync(vai, Model("a")), await LoadAsync(vai, Model("b", seed: 2))];
        List<int>[] expected = [await AnswerAsync(both[0]), await AnswerAsync(both[1])];
        Assert.NotEqual(expected[0], expected[1]);

        // Whatever it puts on a device, llama.cpp says so.
        int loads = 0;
        void Count(NativeLogLevel level, string line) => loads += line.StartsWith("load_tensors", StringComparison.Ordinal) ? 1 : 0;
        NativeLog.Line += Count;
        try
        {
            for (int i = 0; i < 200; i++)
                Assert.Equal(expected[i % 2], await AnswerAsync(both[i % 2]));
            Assert.Equal(0, loads);
            await LoadAsync(vai, Model("c", seed: 3));
            Assert.NotEqual(0, loads);
        }
        finally
        {
            NativeLog.Line -= Count;
        }
    }

    /// <summary>Where each runs its own steps, the tokens are those of either alone.</summary>
    [Fact]
    public async Task A_model_on_the_device_and_one_on_the_CPU_at_once()
    {
        await using IVai vai = NewEngine();
        ModelOptions cpu = Model("cpu", seed: 2);
        (cpu.Devices, cpu.GpuLayers) = (["cpu"], null);
        IModelContext[] both = [await LoadAsync(vai, Model("gpu")), await LoadAsync(vai, cpu)];
        Assert.Equal([true, false], both.Select(m => m.OnGpu));
        List<int>[] expected = [await AnswerAsync(both[0], tokens: 32), await AnswerAsync(both[1], tokens: 32)];
        for (int i = 0; i < 5; i++)
        {
            List<int>[] answers = await Task.WhenAll(both.Select(m => AnswerAsync(m, tokens: 32)));
            Assert.Equal(expected[0], answers[0]);
            Assert.Equal(expected[1], answers[1]);
        }
    }

    [Theory]
    [InlineData(RomProfile.Fast)]
    [InlineData(RomProfile.Exact)]
    public async Task Fork_park_rollback_save_and_restore_go_on_with_the_same_tokens(RomProfile profile)
    {
        await using IVai vai = NewEngine();
        ModelOptions options = Model("m");
        options.Profile = profile;
        IModelContext model = await LoadAsync(vai, options);
        await using IInferenceSession session = model.OpenSession();
        await Response.ReadAsync(session.InferAsync(Prompt, Greedy(6)));
        await session.CommitAsync();

        string file = Models.NewFile("session");
        await session.SaveAsync(file);
        await using IInferenceSession fork = await session.ForkAsync();
        List<int> expected = await GoOnAsync(session);
        Assert.Equal(expected, await GoOnAsync(fork));

        await session.RollbackAsync();
        Assert.Equal(expected, await GoOnAsync(session));
        await session.RollbackAsync();
        await session.ParkAsync();
        Assert.Equal(expected, await GoOnAsync(session));
        await using IInferenceSession restored = await model.RestoreSessionAsync(file);
        Assert.Equal(expected, await GoOnAsync(restored));
    }

    /// <summary>Under exact a transaction's tokens are the same alone and beside others, and in another engine on the same device.</summary>
    [Fact]
    public async Task Exact_has_the_same_tokens_whatever_is_beside_it()
    {
        ModelOptions options = Model("m");
        options.Profile = RomProfile.Exact;
        List<int>[] expected;
        string[] prompts = [.. Enumerable.Range(0, 4).Select(i => $"{Prompt} {i} with {new string((char)('a' + i), 40 * i)}")];
        await using (IVai vai = NewEngine())
        {
            IModelContext model = await LoadAsync(vai, options);
            expected = [.. prompts.Select(p => AnswerAsync(model, p, 24).GetAwaiter().GetResult())];
            for (int i = 0; i < 3; i++)
                Assert.Equal(expected, await Task.WhenAll(prompts.Select(p => AnswerAsync(model, p, 24))));
        }

        await using IVai other = NewEngine();
        IModelContext again = await LoadAsync(other, options);
        Assert.Equal(expected, await Task.WhenAll(prompts.Select(p => AnswerAsync(again, p, 24))));
    }

    private static async Task<List<int>> GoOnAsync(IInferenceSession session) =>
        (await Response.ReadAsync(session.InferAsync(" and then", Greedy(12)))).Tokens;
}
