using System.Text;

namespace VAI.Text;

/// <summary>Turns the bytes of tokens into text that can be shown as it comes: whole characters only. Allocates nothing but the strings it returns.</summary>
internal sealed class TextStream
{
    // A byte gives at most one char, and up to three bytes wait in the decoder.
    private const int Waiting = 4;

    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private char[] _chars = new char[64];

    /// <summary>Whether the bytes so far end with a whole character.</summary>
    public bool IsWhole => _decoder.GetCharCount([], flush: true) == 0;

    /// <summary>Takes a token's bytes and returns the characters that are whole now.</summary>
    public string Append(ReadOnlySpan<byte> bytes) => Decode(bytes, flush: false);

    /// <summary>The rest: U+FFFD for a character that was never completed.</summary>
    public string Finish() => Decode([], flush: true);

    private string Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        if (_chars.Length < bytes.Length + Waiting)
            _chars = new char[bytes.Length + Waiting];
        int count = _decoder.GetChars(bytes, _chars, flush);
        return count == 0 ? "" : new string(_chars, 0, count);
    }
}
