using VAI.Native.Gguf;

namespace VAI.Native.Llama;

/// <summary>
/// The one packed matrix of a model whose file ties its output to its token embeddings: llama.cpp multiplies with it, and VAI
/// takes the embeddings of a step's tokens out of it.
/// </summary>
/// <param name="Type">Type of its elements.</param>
/// <param name="RowLength">Elements of a token's row.</param>
/// <param name="Rows">Tokens.</param>
/// <param name="Scale">What the model multiplies a token's row with, which llama.cpp does to tokens only.</param>
/// <param name="Layout">How it is packed.</param>
internal sealed record TiedOutput(GgmlType Type, int RowLength, int Rows, float Scale, PackedLayout Layout)
{
    /// <summary>The tensor that llama.cpp is told of besides those of the file.</summary>
    public const string Name = "output.weight";

    /// <summary>The tensor of the file, whose own place in memory stays empty.</summary>
    public const string Embeddings = "token_embd.weight";

    // A row is put together on the stack.
    private const int MaxRowLength = 1 << 16;

    /// <summary>Whether rows can be taken out of such a matrix.</summary>
    public bool IsValid =>
        PackedLayout.Of(Type).Contains(Layout) && GgmlTypes.TryGetBlock((uint)Type, out uint block, out _)
        && RowLength is > 0 and <= MaxRowLength && RowLength % block == 0
        && Rows > 0 && Rows % Layout.Rows == 0 && float.IsFinite(Scale);

    /// <summary>Length of a row in the layout of the file.</summary>
    public int RowBytes => GgmlTypes.TryGetBlock((uint)Type, out uint block, out uint bytes) ? (int)(RowLength / block * bytes) : 0;

    /// <summary>Length of the matrix.</summary>
    public long Bytes => (long)Rows * RowBytes;
}
