namespace VAI.Text.Tools.Reading;

/// <summary>Tells where a JSON value ends that comes in pieces, by its brackets and quotation marks.</summary>
internal struct JsonSpan
{
    private int _depth;
    private bool _quoted;
    private bool _escaped;
    private bool _bare;
    private bool _begun;

    /// <summary>Takes what of a piece is the value's.</summary>
    /// <param name="text">A piece; the first begins with the value.</param>
    /// <param name="used">How much of it is the value's.</param>
    /// <returns>Whether the value is whole.</returns>
    public bool Take(ReadOnlySpan<char> text, out int used)
    {
        for (used = 0; used < text.Length; used++)
        {
            char c = text[used];
            if (!_begun)
                (_begun, _bare) = (true, c is not ('{' or '[' or '"'));
            if (_bare)
            {
                // What is neither ends before what cannot be a part of it.
                if (c is ',' or '}' or ']' || char.IsWhiteSpace(c))
                    return true;
                continue;
            }

            if (_escaped)
                _escaped = false;
            else if (_quoted)
                (_escaped, _quoted) = (c == '\\', c != '"');
            else if (c == '"')
                _quoted = true;
            else if (c is '{' or '[')
                _depth++;
            else if (c is '}' or ']')
                _depth--;
            if (_depth <= 0 && !_quoted)
            {
                used++;
                return true;
            }
        }

        return false;
    }
}
