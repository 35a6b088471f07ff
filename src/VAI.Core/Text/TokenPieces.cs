using VAI.Native.Llama;

namespace VAI.Text;

/// <summary>The bytes of tokens, through one buffer that grows to the longest. Used by one thread at a time.</summary>
internal sealed class TokenPieces(LlamaVocab vocab, bool special)
{
    private byte[] _buffer = new byte[64];

    /// <summary>The token's bytes, which may be a part of a UTF-8 character. Valid until the next call.</summary>
    public ReadOnlySpan<byte> Of(int token)
    {
        int length = vocab.Piece(token, _buffer, special);
        if (length < 0)
        {
            _buffer = new byte[-length];
            length = vocab.Piece(token, _buffer, special);
        }

        return _buffer.AsSpan(0, length);
    }
}
