namespace VAI.Native.Text;

/// <summary>
/// Where a token's piece stands in a text. Tokenizers that write spaces as U+2581 cannot tell the two apart, and give both back as a space.
/// </summary>
internal static class TextSpaces
{
    private static ReadOnlySpan<byte> Mark => "\u2581"u8;

    /// <summary>How many bytes of a text, in UTF-8, a piece is that the text begins with; -1 if it does not.</summary>
    public static int LengthAtStart(ReadOnlySpan<byte> text, ReadOnlySpan<byte> piece)
    {
        int at = 0;
        foreach (byte one in piece)
        {
            if (at < text.Length && text[at] == one)
                at++;
            else if (one == ' ' && text[at..].StartsWith(Mark))
                at += Mark.Length;
            else
                return -1;
        }

        return at;
    }

    /// <summary>How many bytes of a text, in UTF-8, a piece is that the text ends with; -1 if it does not.</summary>
    public static int LengthAtEnd(ReadOnlySpan<byte> text, ReadOnlySpan<byte> piece)
    {
        int end = text.Length;
        for (int i = piece.Length - 1; i >= 0; i--)
        {
            if (end > 0 && text[end - 1] == piece[i])
                end--;
            else if (piece[i] == ' ' && text[..end].EndsWith(Mark))
                end -= Mark.Length;
            else
                return -1;
        }

        return text.Length - end;
    }
}
