using VAI.Forge.Gguf;

namespace VAI.Forge.Shapes;

/// <summary>An encoder with learned positions and norms after each half of a block; makes embeddings, not text.</summary>
internal sealed class BertFamily : ModelFamily
{
    /// <summary>A property of the weights, though its key is one of the tokenizer's.</summary>
    public const string TokenTypeCountKey = "tokenizer.ggml.token_type_count";

    // First and second sentence.
    private const int TokenTypes = 2;

    private const float EmbeddingDeviation = 0.1f;

    // llama.h, enum llama_pooling_type.
    private const uint MeanPooling = 1;

    public override string Architecture => "bert";

    public override void AddMetadata(GgufWriter writer)
    {
        base.AddMetadata(writer);
        writer.Add("bert.attention.layer_norm_epsilon", 1e-12f);
        writer.Add("bert.attention.causal", false);
        writer.Add("bert.pooling_type", MeanPooling);
        writer.Add(TokenTypeCountKey, (uint)TokenTypes);
    }

    public override void AddTensors(TensorList tensors, int tokens)
    {
        tensors.TokenEmbedding(Width, tokens, EmbeddingDeviation);
        tensors.PlainMatrix("position_embd.weight", Width, Context, EmbeddingDeviation / 4);
        tensors.PlainMatrix("token_types.weight", Width, TokenTypes, EmbeddingDeviation / 4);
        AddNorm(tensors, "token_embd_norm");
        for (int layer = 0; layer < Layers; layer++)
        {
            string block = $"blk.{layer}";
            AddProjection(tensors, $"{block}.attn_q", Width, Width);
            AddProjection(tensors, $"{block}.attn_k", Width, Width);
            AddProjection(tensors, $"{block}.attn_v", Width, Width);
            AddProjection(tensors, $"{block}.attn_output", Width, Width);
            AddNorm(tensors, $"{block}.attn_output_norm");
            AddProjection(tensors, $"{block}.ffn_up", Width, FeedForward);
            AddProjection(tensors, $"{block}.ffn_down", FeedForward, Width);
            AddNorm(tensors, $"{block}.layer_output_norm");
        }
    }

    private void AddNorm(TensorList tensors, string name)
    {
        tensors.Norm($"{name}.weight", Width);
        tensors.Bias($"{name}.bias", Width);
    }

    private static void AddProjection(TensorList tensors, string name, int inputs, int outputs)
    {
        tensors.Matrix($"{name}.weight", inputs, outputs);
        tensors.Bias($"{name}.bias", outputs);
    }
}
