namespace VAI.Forge.Tests;

/// <summary>The real llama.cpp takes every shape in every type, and its output says something about the prompt.</summary>
public sealed class LoadTests : WorkspaceTest
{
    public static TheoryData<string, ForgeType> Decoders
    {
        get
        {
            var data = new TheoryData<string, ForgeType>();
            foreach (string shape in new[] { "tiny", "tiny-qwen2", "tiny-qwen3", "tiny-gemma3", "tiny-qwen3moe" })
            {
                foreach (ForgeType type in Enum.GetValues<ForgeType>())
                    data.Add(shape, type);
            }

            data.Add("small", ForgeType.Q4_0);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Decoders))]
    public async Task A_decoder_generates(string shape, ForgeType type)
    {
        using var probe = new LlamaProbe(await Workspace.ForgeAsync(shape, new ForgeOptions { Type = type }));
        int[] first = probe.Tokenize("Write Verilog AND gate", special: true);
        int[] second = probe.Tokenize("What is a counter?", special: true);
        Assert.InRange(first.Length, 3, 12);

        float[] logits = probe.Logits(first);
        Assert.All(logits, logit => Assert.True(float.IsFinite(logit)));
        float mean = logits.Average();
        Assert.InRange(Math.Sqrt(logits.Average(logit => (logit - mean) * (logit - mean))), 2, 4);

        List<int> made = probe.Greedy(first, 24);
        Assert.InRange(made.Distinct().Count(), 4, 24);
        Assert.DoesNotContain(made, probe.IsControl);
        Assert.Equal(made, probe.Greedy(first, 24));
        Assert.NotEqual(made, probe.Greedy(second, 24));
    }

    [Theory]
    [InlineData(ForgeType.Q4_K)]
    [InlineData(ForgeType.Q4_0)]
    [InlineData(ForgeType.Q8_0)]
    [InlineData(ForgeType.F16)]
    public async Task An_encoder_embeds(ForgeType type)
    {
        using var probe = new LlamaProbe(await Workspace.ForgeAsync("bert", new ForgeOptions { Type = type }));
        float[] gate = probe.Embed(probe.Tokenize("write verilog and gate", special: true));
        float[] counter = probe.Embed(probe.Tokenize("what is a counter?", special: true));
        Assert.Equal(256, gate.Length);
        Assert.All(gate, value => Assert.True(float.IsFinite(value)));
        Assert.InRange(Cosine(gate, counter), -0.95, 0.95);
        Assert.InRange(Cosine(gate, gate), 0.999, 1.001);
    }

    private static double Cosine(float[] left, float[] right) =>
        Dot(left, right) / Math.Sqrt(Dot(left, left) * Dot(right, right));

    private static double Dot(float[] left, float[] right) => left.Zip(right, (a, b) => (double)a * b).Sum();
}
