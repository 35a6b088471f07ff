using VAI.Forge.Gguf;
using VAI.Native.Gguf;

namespace VAI.Forge.Weights;

/// <summary>One tensor to be made.</summary>
/// <param name="Name">Its GGUF name.</param>
/// <param name="Type">How it is stored.</param>
/// <param name="Dimensions">Row length first, as GGUF has it.</param>
/// <param name="Mean">Mean of the weights; 0 unless 32-bit floats.</param>
/// <param name="Deviation">Their standard deviation.</param>
/// <param name="PerToken">Whether every row belongs to a token of the vocabulary.</param>
internal sealed record TensorSpec(
    string Name, GgmlType Type, long[] Dimensions, float Mean, float Deviation, bool PerToken = false)
{
    public long Values => Dimensions.Aggregate(1L, (product, dimension) => checked(product * dimension));

    public long Bytes => Type.Bytes(Values);

    public long RowBytes => Type.Bytes(Dimensions[0]);
}
