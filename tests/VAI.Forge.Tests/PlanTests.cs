using VAI.Forge.Shapes;
using VAI.Native.Gguf;

namespace VAI.Forge.Tests;

/// <summary>Sizes and structure, without the weights where they are large.</summary>
public sealed class PlanTests : WorkspaceTest
{
    [Theory]
    [InlineData("qwen2-1.5b", 872, 1_543_714_304, 151_936)]
    [InlineData("deepseek-6.7b", 3_827, 6_740_512_768, 32_256)]
    public void Real_shapes_have_their_real_size(string name, double megabytes, long parameters, int tokens)
    {
        NamedShape shape = Catalog.Find(name);
        var plan = ForgePlan.Create(shape, shape.DefaultType, 1, shape.Vocabulary.Build(), parts: 1);
        Assert.InRange(plan.TotalBytes / 1e6, megabytes * 0.97, megabytes * 1.03);
        Assert.Equal(parameters, plan.Tensors.Sum(tensor => tensor.Spec.Values));
        Assert.Equal(tokens, plan.Vocabulary.Size);
    }

    [Fact]
    public void Every_shape_says_about_how_large_it_is()
    {
        foreach (ForgeShape published in ModelForge.Shapes)
        {
            NamedShape shape = Catalog.Find(published.Name);
            var plan = ForgePlan.Create(shape, shape.DefaultType, 1, shape.Vocabulary.Build(), parts: 1);
            Assert.InRange(published.ApproximateBytes, plan.TotalBytes * 0.97, plan.TotalBytes * 1.03);
            Assert.Equal(published.VocabularySize, plan.Vocabulary.Size);
        }
    }

    [Theory]
    [InlineData(ForgeType.Q4_K)]
    [InlineData(ForgeType.F16)]
    public void Tiny_stays_under_five_megabytes(ForgeType type)
    {
        NamedShape shape = Catalog.Find("tiny");
        Assert.InRange(ForgePlan.Create(shape, type, 1, shape.Vocabulary.Build(), parts: 1).TotalBytes, 1_000_000, 5_000_000);
    }

    [Fact]
    public async Task What_is_written_is_what_was_planned()
    {
        ForgeResult result = await ModelForge.ForgeAsync("TINY", Workspace["model.gguf"]);
        using var file = GgufFile.Open(result.File);
        Assert.Equal(Workspace["model.gguf"], result.File);
        Assert.Equal("tiny", result.Shape);
        Assert.Equal(result.Bytes, file.Length);
        Assert.Equal(result.Tensors, file.Tensors.Count);
        Assert.Equal(result.Parameters, file.Tensors.Sum(tensor => tensor.Elements));
        Assert.Equal("llama", file.GetString("general.architecture"));
        Assert.All(file.Tensors, tensor => Assert.Equal(0, tensor.Offset % 32));
        Assert.Contains("q8_0", file.Tensors[0].Type.ToString(), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-qwen2")]
    [InlineData("tiny-qwen3")]
    [InlineData("tiny-gemma3")]
    [InlineData("tiny-qwen3moe")]
    [InlineData("tiny-bert")]
    public async Task The_gate_lets_every_family_through(string shape)
    {
        using var file = GgufFile.Open(await Workspace.ForgeAsync(shape));
        GgufModelInfo.From(file).Validate();
    }
}
