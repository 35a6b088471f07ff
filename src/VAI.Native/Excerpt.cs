namespace VAI.Native;

/// <summary>Texts for errors: what somebody gave is repeated in them, and may be of any length.</summary>
internal static class Excerpt
{
    /// <summary>A text of no more than so many characters, with what is over left out of its middle: what is to be done stands at the end.</summary>
    /// <param name="text">The text; null stays so.</param>
    /// <param name="most">At least 20.</param>
    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(text))]
    public static string? Of(string? text, int most)
    {
        const string Left = "...";
        if (text is null || text.Length <= most)
            return text;
        int behind = text.Length - (most / 4), before = most - (most / 4) - Left.Length;
        if (char.IsHighSurrogate(text[before - 1]))
            before--;
        if (char.IsLowSurrogate(text[behind]))
            behind++;
        return string.Concat(text.AsSpan(0, before), Left, text.AsSpan(behind));
    }
}
