using System.Buffers.Text;

namespace VAI.Native.Machine;

/// <summary>Numbers in what the kernel writes of itself: decimal, with something else between them.</summary>
internal ref struct ProcText(ReadOnlySpan<byte> text)
{
    private ReadOnlySpan<byte> _left = text;

    /// <summary>The next number of the text.</summary>
    /// <returns>False at its end.</returns>
    public bool TryNext(out long number)
    {
        int at = _left.IndexOfAnyInRange((byte)'0', (byte)'9');
        if (at < 0 || !Utf8Parser.TryParse(_left[at..], out number, out int length))
        {
            number = 0;
            return false;
        }

        _left = _left[(at + length)..];
        return true;
    }

    /// <summary>Goes on behind a word.</summary>
    /// <returns>False where it is not there.</returns>
    public bool TrySkip(ReadOnlySpan<byte> word)
    {
        int at = _left.IndexOf(word);
        if (at < 0)
            return false;
        _left = _left[(at + word.Length)..];
        return true;
    }
}
