using VAI.Forge.Gguf;
using VAI.Forge.Weights;
using VAI.Native.Gguf;

namespace VAI.Forge.Shapes;

/// <summary>The tensors of a model in file order; chooses the type of each.</summary>
internal sealed class TensorList
{
    private const float NormDeviation = 0.05f;

    private readonly List<TensorSpec> _all = [];
    private readonly GgmlType _type;
    private readonly GgmlType _outputType;

    public TensorList(ForgeType type)
    {
        _type = type switch
        {
            ForgeType.Q4_K => GgmlType.Q4_K,
            ForgeType.Q4_0 => GgmlType.Q4_0,
            ForgeType.Q8_0 => GgmlType.Q8_0,
            _ => GgmlType.F16,
        };
        _outputType = type == ForgeType.Q4_K ? GgmlType.Q6_K : _type;
    }

    public IReadOnlyList<TensorSpec> All => _all;

    /// <summary>A matrix whose products keep the scale of their input, times <paramref name="gain"/>.</summary>
    public void Matrix(string name, long inputs, long outputs, float gain = 1, int experts = 0) =>
        Add(name, _type, experts > 0 ? [inputs, outputs, experts] : [inputs, outputs], gain / MathF.Sqrt(inputs));

    public void TokenEmbedding(long width, long tokens, float deviation) =>
        _all.Add(new TensorSpec("token_embd.weight", Fitting(_type, width), [width, tokens], 0, deviation, PerToken: true));

    /// <summary>The output matrix; logits get the standard deviation <paramref name="spread"/>.</summary>
    public void Output(long width, long tokens, float spread) => _all.Add(new TensorSpec(
        "output.weight", Fitting(_outputType, width), [width, tokens], 0, spread / MathF.Sqrt(width), PerToken: true));

    /// <summary>A small matrix that llama.cpp's quantizer leaves in 32-bit floats.</summary>
    public void PlainMatrix(string name, long inputs, long outputs, float deviation) =>
        Add(name, GgmlType.F32, [inputs, outputs], deviation);

    public void Norm(string name, long width, float mean = 1) =>
        _all.Add(new TensorSpec(name, GgmlType.F32, [width], mean, mean * NormDeviation));

    public void Bias(string name, long width, float deviation = 0.05f) => Add(name, GgmlType.F32, [width], deviation);

    private static GgmlType Fitting(GgmlType type, long rowLength)
    {
        if (rowLength % type.BlockValues() == 0)
            return type;
        return rowLength % GgmlType.Q8_0.BlockValues() == 0 ? GgmlType.Q8_0 : GgmlType.F16;
    }

    private void Add(string name, GgmlType type, long[] dimensions, float deviation) =>
        _all.Add(new TensorSpec(name, Fitting(type, dimensions[0]), dimensions, 0, deviation));
}
