using VAI.Forge;
using VAI.Native.Gguf;
using VAI.Native.Llama;
using VAI.Pipeline.Steps;

namespace VAI.Core.Tests.Determinism;

/// <summary>
/// What profile exact builds upon, asked of llama.cpp itself: a token's logits have the same bits whether its step has one row
/// or eight, each of another sequence.
/// </summary>
public sealed class RowTests(ForgedModels models) : EngineTest(models)
{
    private const int Sequences = 8, PromptLength = 32, Tokens = 4;

    [Theory]
    [InlineData("tiny", ForgeType.Q4_K)]
    [InlineData("tiny", ForgeType.Q4_0)]
    [InlineData("tiny", ForgeType.Q8_0)]
    [InlineData("tiny-qwen2", ForgeType.Q4_K)]
    [InlineData("tiny-qwen3", ForgeType.Q8_0)]
    [InlineData("tiny-gemma3", ForgeType.Q4_0)]
    public Task Rows_of_a_step_do_not_touch_each_other(string shape, ForgeType type) => CompareAsync(shape, type, independent: true);

    /// <summary>Why profile exact computes these one at a time: where it fails, they can share their steps too.</summary>
    [Theory]
    [InlineData("tiny", ForgeType.F16)]
    [InlineData("tiny-qwen3moe", ForgeType.Q4_K)]
    public Task Rows_of_floats_and_of_routers_do(string shape, ForgeType type) => CompareAsync(shape, type, independent: false);

    /// <summary>Why a pipeline may take fewer threads while others use the cores, in the middle of a transaction.</summary>
    [Theory]
    [InlineData("tiny", ForgeType.Q4_K)]
    [InlineData("tiny", ForgeType.Q4_0)]
    [InlineData("tiny", ForgeType.F16)]
    [InlineData("tiny-qwen2", ForgeType.Q4_K)]
    [InlineData("tiny-qwen3moe", ForgeType.Q4_K)]
    [InlineData("tiny-gemma3", ForgeType.Q4_0)]
    public async Task One_thread_or_two_give_the_same_bits(string shape, ForgeType type)
    {
        string file = Models.NewFile($"threads-{shape}-{type}.gguf");
        await ModelForge.ForgeAsync(shape, file, new ForgeOptions { Type = type });
        using LlamaModel model = LlamaModel.Load(file, new LlamaModelSettings());
        Assert.Equal(Logits(model, together: false, threads: 1), Logits(model, together: false, threads: 2));
    }

    private async Task CompareAsync(string shape, ForgeType type, bool independent)
    {
        string file = Models.NewFile($"rows-{shape}-{type}.gguf");
        await ModelForge.ForgeAsync(shape, file, new ForgeOptions { Type = type });
        using (var header = GgufFile.Open(file))
            Assert.Equal(independent, !Schedule.For(new ModelOptions { Name = "m", File = file, Profile = RomProfile.Exact }, ModelInfo.From(header)).Alone);
        using LlamaModel model = LlamaModel.Load(file, new LlamaModelSettings());
        float[][] alone = Logits(model, together: false), beside = Logits(model, together: true);
        int differ = alone.Zip(beside).Sum(p => p.First.Zip(p.Second).Count(l => l.First != l.Second));
        Assert.True(independent == (differ == 0), $"{differ} of {alone.Sum(l => l.Length)} logits differ");
    }

    private static float[][] Logits(LlamaModel model, bool together, int threads = 2)
    {
        using var pool = new LlamaThreadpool(threads);
        using var context = new LlamaContext(model, new LlamaContextSettings
        {
            Cells = Sequences * 256,
            BatchSize = 64,
            MicroBatchSize = 64,
            MaxSequences = Sequences,
            Threads = threads,
            FlashAttention = 0,
            UnifiedKv = false,
        });
        context.Attach(pool);
        for (int s = 0; s < Sequences; s++)
        {
            context.Batch.Clear();
            for (int i = 0; i < PromptLength; i++)
                context.Batch.Add(Token(s, i), i, s, logits: false);
            Assert.Equal(DecodeStatus.Ok, context.Decode());
        }

        float[][] logits = new float[Sequences * Tokens][];
        for (int i = 0; i < Tokens; i++)
        {
            context.Batch.Clear();
            for (int s = 0; s < Sequences; s++)
            {
                context.Batch.Add(Token(s, PromptLength + i), PromptLength + i, s, logits: true);
                if (together && s < Sequences - 1)
                    continue;
                Assert.Equal(DecodeStatus.Ok, context.Decode());
                for (int row = 0; row < context.Batch.Count; row++)
                    logits[((s - context.Batch.Count + 1 + row) * Tokens) + i] = context.Logits(row).ToArray();
                context.Batch.Clear();
            }
        }

        return logits;
    }

    private static int Token(int sequence, int position) => 3 + (((sequence * 131) + (position * 37)) % 900);
}
