using VAI.Native.Gguf;
using VAI.Native.Interop;

namespace VAI.Native.Llama;

/// <summary>Token embeddings out of a packed matrix, bit for bit those of ggml's GET_ROWS. Thread-safe.</summary>
/// <remarks>Reads the model's memory: not to be used after its end.</remarks>
internal sealed unsafe class EmbeddingRows
{
    private readonly byte* _packed;
    private readonly TiedOutput _output;
    private readonly int _blockBytes;
    private readonly int _blocks;
    private readonly delegate* unmanaged[Cdecl]<byte*, float*, long, void> _toFloat;

    /// <param name="output">What the matrix is; valid.</param>
    /// <param name="packed">Its <see cref="TiedOutput.Bytes"/> bytes.</param>
    /// <exception cref="VaiEngineException"><see cref="VaiError.UnknownAbi"/>.</exception>
    public EmbeddingRows(TiedOutput output, byte* packed)
    {
        _output = output;
        _packed = packed;
        GgmlTypes.TryGetBlock((uint)output.Type, out uint length, out uint bytes);
        _blockBytes = (int)bytes;
        _blocks = (int)(output.RowLength / length);
        ggml_type_traits* traits = GgmlNative.ggml_get_type_traits((int)output.Type);
        if (traits is null || traits->blck_size != length || traits->type_size != bytes || traits->to_float is null)
        {
            throw new VaiEngineException(
                VaiError.UnknownAbi, $"This libggml describes its type {output.Type} in an unknown way. Use a build VAI knows.");
        }

        _toFloat = traits->to_float;
    }

    /// <summary>Elements of a row.</summary>
    public int Length => _output.RowLength;

    public int Count => _output.Rows;

    /// <summary>Writes a row's elements.</summary>
    /// <param name="row">From 0 to less than <see cref="Count"/>; the caller's to check.</param>
    /// <param name="to">Room for <see cref="Length"/>.</param>
    public void Read(int row, float* to)
    {
        byte* plain = stackalloc byte[_blocks * _blockBytes];
        Take(row, plain);
        _toFloat(plain, to, Length);
        if (_output.Scale == 1)
            return;
        for (int i = 0; i < Length; i++)
            to[i] *= _output.Scale;
    }

    /// <summary>Whether every row is that of the file.</summary>
    /// <param name="source">The matrix in the file's layout.</param>
    public bool Are(byte* source)
    {
        int bytes = _blocks * _blockBytes;
        byte* plain = stackalloc byte[bytes];
        for (int row = 0; row < Count; row++, source += bytes)
        {
            Take(row, plain);
            if (!new ReadOnlySpan<byte>(plain, bytes).SequenceEqual(new ReadOnlySpan<byte>(source, bytes)))
                return false;
        }

        return true;
    }

    private void Take(int row, byte* plain)
    {
        PackedLayout layout = _output.Layout;
        (int group, int within) = Math.DivRem(row, layout.Rows);
        int packedBytes = _blockBytes * layout.Rows;
        byte* packed = _packed + ((long)group * _blocks * packedBytes);
        for (int i = 0; i < _blocks; i++, packed += packedBytes, plain += _blockBytes)
            layout.Take(_output.Type, _blockBytes, packed, within, plain);
    }
}
