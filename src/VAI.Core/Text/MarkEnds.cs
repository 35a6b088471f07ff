namespace VAI.Text;

/// <summary>What may turn out to be a mark once more text comes.</summary>
internal static class MarkEnds
{
    /// <summary>The length of the longest end of a text that begins a mark, and is not all of it.</summary>
    public static int OpenLength(ReadOnlySpan<char> text, string mark)
    {
        for (int length = Math.Min(mark.Length - 1, text.Length); length > 0; length--)
        {
            if (text.EndsWith(mark.AsSpan(0, length), StringComparison.Ordinal))
                return length;
        }

        return 0;
    }

    /// <summary>That of any of some marks.</summary>
    public static int OpenLength(ReadOnlySpan<char> text, ReadOnlySpan<string> marks)
    {
        int open = 0;
        foreach (string mark in marks)
            open = Math.Max(open, OpenLength(text, mark));
        return open;
    }
}
