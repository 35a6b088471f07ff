using VAI.Forge;
using VAI.Native.Gguf;
using VAI.Native.Llama;
using VAI.Native.Rom;
using VAI.Pipeline.Steps;

namespace VAI.Core.Tests.Determinism;

/// <summary>
/// What profile exact builds upon, asked of llama.cpp itself: a token's logits have the same bits whether its step has one row
/// or as many as the schedule allows, each of another sequence; on plain weights and on packed ones, by either attention.
/// </summary>
public sealed class RowTests(ForgedModels models) : EngineTest(models)
{
    // Packed kernels take four rows together, so that a prompt of 32 and 13 has rows of both kinds.
    private const int Sequences = 8, Chunk = 32, PromptLength = Chunk + 13, Tokens = 4;

    [Theory]
    [InlineData("tiny", ForgeType.Q4_K)]
    [InlineData("tiny", ForgeType.Q4_0)]
    [InlineData("tiny", ForgeType.Q8_0)]
    [InlineData("tiny-qwen2", ForgeType.Q4_0)]
    [InlineData("tiny-qwen2", ForgeType.Q4_K)]
    [InlineData("tiny-qwen3", ForgeType.Q8_0)]
    [InlineData("tiny-gemma3", ForgeType.Q4_0)]
    [InlineData("tiny-gemma3", ForgeType.Q4_K)]
    public Task Rows_of_a_step_do_not_touch_each_other(string shape, ForgeType type) => ForAllAsync(shape, type, (model, fused, most) =>
    {
        Assert.True(most >= 3, $"{most} rows");
        float[][] alone = Logits(model, rows: 1, fused);
        foreach (int rows in ((int[])[2, 3, 4, 5, Sequences]).Where(n => n <= most))
            Assert.Equal(0, Differing(alone, Logits(model, rows, fused)));

        // Why not more: where this fails, they can share their steps too.
        if (most < Sequences)
            Assert.NotEqual(0, Differing(alone, Logits(model, most + 1, fused)));
    });

    /// <summary>Why profile exact computes these one at a time: where it fails, they can share their steps too.</summary>
    [Theory]
    [InlineData("tiny", ForgeType.F16)]
    [InlineData("tiny-qwen3moe", ForgeType.Q4_K)]
    public Task Rows_of_floats_and_of_routers_do(string shape, ForgeType type) => ForAllAsync(shape, type, (model, fused, most) =>
    {
        Assert.Equal(1, most);
        Assert.NotEqual(0, Differing(Logits(model, rows: 1, fused), Logits(model, Sequences, fused)));
    });

    /// <summary>Why a pipeline may take fewer threads while others use the cores, in the middle of a transaction.</summary>
    [Theory]
    [InlineData("tiny", ForgeType.Q4_K)]
    [InlineData("tiny", ForgeType.Q4_0)]
    [InlineData("tiny", ForgeType.F16)]
    [InlineData("tiny-qwen2", ForgeType.Q4_K)]
    [InlineData("tiny-qwen3moe", ForgeType.Q4_K)]
    [InlineData("tiny-gemma3", ForgeType.Q4_0)]
    public Task One_thread_or_two_give_the_same_bits(string shape, ForgeType type) => ForAllAsync(shape, type, (model, fused, most) =>
    {
        float[][] one = Logits(model, rows: 1, fused, threads: 1);
        Assert.Equal(0, Differing(one, Logits(model, rows: 1, fused, threads: 2)));
        Assert.Equal(0, Differing(one, Logits(model, Math.Min(most, Sequences), fused, threads: 2)));
    });

    /// <summary>A part of 256 cells is where flash attention may be used: its last row, too, is computed on one thread.</summary>
    [Fact]
    public Task A_full_part_gives_the_same_bits_on_one_thread_and_two() => ForAllAsync("tiny", ForgeType.Q4_0, (model, fused, _) => Assert.Equal(
        0, Differing(Logits(model, 1, fused, threads: 1, prompt: 256 - Tokens), Logits(model, Sequences, fused, threads: 2, prompt: 256 - Tokens))));

    private async Task ForAllAsync(string shape, ForgeType type, Action<LlamaModel, bool, int> check)
    {
        string file = Models.NewFile($"rows-{shape}-{type}.gguf");
        await ModelForge.ForgeAsync(shape, file, new ForgeOptions { Type = type });
        using var header = GgufFile.Open(file);
        var options = new ModelOptions { Name = "m", File = file, Profile = RomProfile.Exact };
        (string BufferType, string Pattern)[] packing = [.. RomPacking.For(header).Select(p => (p.BufferTypeName, p.Pattern))];
        foreach (bool packed in packing.Length == 0 ? (bool[])[false] : [false, true])
        {
            using LlamaModel model = LlamaModel.Load(file, new LlamaModelSettings { Repack = packed });

            // What the burn asks, and an image without the answer does not know.
            bool alike = RomPacking.ShowsAll(header, packing, RomTied.Find(header)) && RomProbe.AreRowsAlike(model, CancellationToken.None);
            int most = Schedule.For(options, ModelInfo.From(header), !packed || alike ? int.MaxValue : 3).MostRows;
            foreach (bool fused in (bool[])[false, true])
                check(model, fused, most);
        }
    }

    private static int Differing(float[][] a, float[][] b) => a.Zip(b).Sum(
        p => p.First.Zip(p.Second).Count(l => BitConverter.SingleToInt32Bits(l.First) != BitConverter.SingleToInt32Bits(l.Second)));

    private static float[][] Logits(LlamaModel model, int rows, bool fused, int threads = 1, int prompt = PromptLength)
    {
        using var pool = new LlamaThreadpool(threads);
        using var context = new LlamaContext(model, new LlamaContextSettings
        {
            Cells = Sequences * 256,
            BatchSize = 64,
            MicroBatchSize = 64,
            MaxSequences = Sequences,
            Threads = threads,
            FlashAttention = fused ? 1 : 0,
            UnifiedKv = false,
        });
        context.Attach(pool);
        for (int s = 0; s < Sequences; s++)
        {
            for (int from = 0; from < prompt; from += Chunk)
            {
                context.Batch.Clear();
                for (int i = from; i < Math.Min(from + Chunk, prompt); i++)
                    context.Batch.Add(Token(s, i), i, s, logits: false);
                Assert.Equal(DecodeStatus.Ok, context.Decode());
            }
        }

        float[][] logits = new float[Sequences * Tokens][];
        for (int i = 0; i < Tokens; i++)
        {
            for (int first = 0; first < Sequences; first += rows)
            {
                context.Batch.Clear();
                for (int s = first; s < Math.Min(first + rows, Sequences); s++)
                    context.Batch.Add(Token(s, prompt + i), prompt + i, s, logits: true);
                Assert.Equal(DecodeStatus.Ok, context.Decode());
                for (int row = 0; row < context.Batch.Count; row++)
                    logits[((first + row) * Tokens) + i] = context.Logits(row).ToArray();
            }
        }

        return logits;
    }

    private static int Token(int sequence, int position) => 3 + (((sequence * 131) + (position * 37)) % 900);
}
