namespace VAI.Text.Tools.Reading;

/// <summary>A string that is written as it stands, up to a mark, as JSON has it between its quotation marks. Holds back what may be the mark.</summary>
/// <param name="close">The mark behind it.</param>
/// <param name="padded">Whether a line end before the mark is a part of that.</param>
internal sealed class TextReader(string close, bool padded)
{
    private readonly MarkFinder _close = new(close);
    private bool _line;

    public void Begin()
    {
        _close.Reset();
        _line = false;
    }

    /// <summary>Takes what of a piece is the string's, and its mark. Whether that is whole.</summary>
    public bool Take(ReadOnlySpan<char> text, ICallSink sink, out int used)
    {
        for (used = 0; used < text.Length;)
        {
            if (_close.Begun == 0 && !_line)
            {
                ReadOnlySpan<char> rest = text[used..];
                int plain = padded ? rest.IndexOfAny(close[0], '\n') : rest.IndexOf(close[0]);
                plain = plain < 0 ? rest.Length : plain;
                JsonOutput.Text(sink, rest[..plain]);
                used += plain;
                if (used == text.Length)
                    return false;
            }

            if (Take(text[used++], sink))
                return true;
        }

        return false;
    }

    private bool Take(char c, ICallSink sink)
    {
        int held = _close.Begun;
        if (_close.Take(c))
            return true;
        int certain = held + 1 - _close.Begun;
        if (certain == 0)
            return false;
        if (_line)
            JsonOutput.Text(sink, "\n");
        _line = padded && c == '\n' && _close.Begun == 0;
        JsonOutput.Text(sink, close.AsSpan(0, Math.Min(certain, held)));
        if (certain > held && !_line)
            JsonOutput.Text(sink, [c]);
        return false;
    }
}
