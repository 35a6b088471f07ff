using VAI.Forge.Gguf;

namespace VAI.Forge.Shapes;

/// <summary>Five layers with a sliding window, then one without; norms around both halves of a block.</summary>
internal sealed class Gemma3Family : Decoder
{
    public override string Architecture => "gemma3";

    /// <summary>Tokens that a windowed layer sees.</summary>
    public required int SlidingWindow { get; init; }

    protected override bool HasHeadNorms => true;

    // Smaller still: llama.cpp multiplies the embeddings by sqrt(width) on the way in, and norms bound what the blocks add.
    protected override float EmbeddingScale => 0.03f;

    public override void AddMetadata(GgufWriter writer)
    {
        base.AddMetadata(writer);
        writer.Add("gemma3.attention.sliding_window", (uint)SlidingWindow);
    }

    protected override void AddAttention(TensorList tensors, string block)
    {
        base.AddAttention(tensors, block);
        tensors.Norm($"{block}.post_attention_norm.weight", Width);
    }

    protected override void AddFeedForward(TensorList tensors, string block)
    {
        base.AddFeedForward(tensors, block);
        tensors.Norm($"{block}.post_ffw_norm.weight", Width);
    }
}
