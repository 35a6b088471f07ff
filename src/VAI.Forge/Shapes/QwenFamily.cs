using VAI.Forge.Gguf;

namespace VAI.Forge.Shapes;

/// <summary>Biases on the attention inputs.</summary>
internal sealed class Qwen2Family : Decoder
{
    public override string Architecture => "qwen2";

    protected override bool HasAttentionBias => true;
}

/// <summary>Norms on the heads of queries and keys instead of biases.</summary>
internal sealed class Qwen3Family : Decoder
{
    public override string Architecture => "qwen3";

    protected override bool HasHeadNorms => true;
}

/// <summary>As qwen3, with a router and experts for the feed-forward part.</summary>
internal sealed class Qwen3MoeFamily : Decoder
{
    public override string Architecture => "qwen3moe";

    public required int Experts { get; init; }

    public required int ExpertsUsed { get; init; }

    /// <summary>Width of one expert.</summary>
    public required int ExpertFeedForward { get; init; }

    protected override bool HasHeadNorms => true;

    public override void AddMetadata(GgufWriter writer)
    {
        base.AddMetadata(writer);
        writer.Add("qwen3moe.expert_count", (uint)Experts);
        writer.Add("qwen3moe.expert_used_count", (uint)ExpertsUsed);
        writer.Add("qwen3moe.expert_feed_forward_length", (uint)ExpertFeedForward);
    }

    protected override void AddFeedForward(TensorList tensors, string block)
    {
        tensors.Norm($"{block}.ffn_norm.weight", Width);
        tensors.PlainMatrix($"{block}.ffn_gate_inp.weight", Width, Experts, 1 / MathF.Sqrt(Width));
        tensors.Matrix($"{block}.ffn_gate_exps.weight", Width, ExpertFeedForward, experts: Experts);
        tensors.Matrix($"{block}.ffn_down_exps.weight", ExpertFeedForward, Width, ResidualGain, Experts);
        tensors.Matrix($"{block}.ffn_up_exps.weight", Width, ExpertFeedForward, experts: Experts);
    }
}
