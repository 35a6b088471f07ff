using VAI.Forge.Gguf;

namespace VAI.Forge.Shapes;

/// <summary>
/// What the decoder-only families share: pre-norm blocks, grouped attention with rotary positions, a gated FFN.
/// </summary>
internal abstract class Decoder : ModelFamily
{
    /// <summary>Standard deviation of the logits: a few tokens stand out, none always wins.</summary>
    protected const float LogitSpread = 3;

    // The residual stream ends near this scale. Tied embeddings start far below it: a token would otherwise find itself in
    // the sum, and predict itself for ever.
    private const float ResidualScale = 5;
    private const float TiedEmbeddingScale = 0.3f;

    public required int KvHeads { get; init; }

    /// <summary>Values per head; 0 for width / heads.</summary>
    public int HeadWidth { get; init; }

    public float RopeBase { get; init; } = 10_000;

    /// <summary>Whether the token embeddings are the output matrix too.</summary>
    public bool Tied { get; init; }

    protected int HeadValues => HeadWidth > 0 ? HeadWidth : Width / Heads;

    /// <summary>Gain of the matrices that write to the residual stream.</summary>
    protected float ResidualGain => ResidualScale / MathF.Sqrt(Layers);

    protected virtual bool HasAttentionBias => false;

    protected virtual bool HasHeadNorms => false;

    /// <summary>Length of a token's embedding.</summary>
    protected virtual float EmbeddingScale => Tied ? TiedEmbeddingScale : LogitSpread;

    public override void AddMetadata(GgufWriter writer)
    {
        base.AddMetadata(writer);
        writer.Add($"{Architecture}.attention.head_count_kv", (uint)KvHeads);
        writer.Add($"{Architecture}.attention.key_length", (uint)HeadValues);
        writer.Add($"{Architecture}.attention.value_length", (uint)HeadValues);
        writer.Add($"{Architecture}.attention.layer_norm_rms_epsilon", 1e-6f);
        writer.Add($"{Architecture}.rope.freq_base", RopeBase);
    }

    public override void AddTensors(TensorList tensors, int tokens)
    {
        tensors.TokenEmbedding(Width, tokens, EmbeddingScale / MathF.Sqrt(Width));
        for (int layer = 0; layer < Layers; layer++)
        {
            AddAttention(tensors, $"blk.{layer}");
            AddFeedForward(tensors, $"blk.{layer}");
        }

        tensors.Norm("output_norm.weight", Width, Tied ? LogitSpread / EmbeddingScale : 1);
        if (!Tied)
            tensors.Output(Width, tokens, LogitSpread);
    }

    protected virtual void AddAttention(TensorList tensors, string block)
    {
        int queries = Heads * HeadValues;
        int keys = KvHeads * HeadValues;
        tensors.Norm($"{block}.attn_norm.weight", Width);
        AddProjection(tensors, $"{block}.attn_q", queries);
        AddProjection(tensors, $"{block}.attn_k", keys);
        AddProjection(tensors, $"{block}.attn_v", keys);
        if (HasHeadNorms)
        {
            tensors.Norm($"{block}.attn_q_norm.weight", HeadValues);
            tensors.Norm($"{block}.attn_k_norm.weight", HeadValues);
        }

        tensors.Matrix($"{block}.attn_output.weight", queries, Width, ResidualGain);
    }

    protected virtual void AddFeedForward(TensorList tensors, string block)
    {
        tensors.Norm($"{block}.ffn_norm.weight", Width);
        tensors.Matrix($"{block}.ffn_gate.weight", Width, FeedForward);
        tensors.Matrix($"{block}.ffn_up.weight", Width, FeedForward);
        tensors.Matrix($"{block}.ffn_down.weight", FeedForward, Width, ResidualGain);
    }

    private void AddProjection(TensorList tensors, string name, int outputs)
    {
        tensors.Matrix($"{name}.weight", Width, outputs);
        if (HasAttentionBias)
            tensors.Bias($"{name}.bias", outputs);
    }
}
