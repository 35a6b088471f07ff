using VAI.Forge.Gguf;

namespace VAI.Forge.Shapes;

internal sealed class LlamaFamily : Decoder
{
    public override string Architecture => "llama";

    /// <summary>How far linear scaling stretches the rotary positions; 0 for not at all.</summary>
    public float RopeScaling { get; init; }

    public override void AddMetadata(GgufWriter writer)
    {
        base.AddMetadata(writer);
        writer.Add("llama.rope.dimension_count", (uint)HeadValues);
        if (RopeScaling > 0)
        {
            writer.Add("llama.rope.scaling.type", "linear");
            writer.Add("llama.rope.scaling.factor", RopeScaling);
        }
    }
}
