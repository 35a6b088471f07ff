using System.Buffers;

namespace VAI.Text.Jinja.Values;

/// <summary>Characters as Python counts them: by code point. Half a pair counts as one.</summary>
internal static class CodePoints
{
    private static readonly SearchValues<char> High = SearchValues.Create([.. Enumerable.Range(0xD800, 0x400).Select(c => (char)c)]);

    /// <summary>How many a text has.</summary>
    public static int Count(string text)
    {
        int at = text.AsSpan().IndexOfAny(High);
        if (at < 0)
            return text.Length;
        int count = text.Length;
        for (; at < text.Length - 1; at++)
        {
            if (char.IsSurrogatePair(text[at], text[at + 1]))
            {
                count--;
                at++;
            }
        }

        return count;
    }

    /// <summary>Whether each is one UTF-16 unit.</summary>
    public static bool AreUnits(string text) => !text.AsSpan().ContainsAny(High);

    /// <summary>Where each begins, with the end of the text behind the last.</summary>
    public static int[] Starts(string text)
    {
        var starts = new List<int>(text.Length + 1);
        for (int at = 0; at < text.Length; at += Length(text, at))
            starts.Add(at);
        starts.Add(text.Length);
        return [.. starts];
    }

    /// <summary>UTF-16 units of the one that begins there.</summary>
    public static int Length(string text, int at) => at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;

    /// <summary>Order by code point, which UTF-16 units have not.</summary>
    public static int Compare(string left, string right)
    {
        int common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length)
            return left.Length - right.Length;
        char l = left[common], r = right[common];
        return char.IsSurrogate(l) != char.IsSurrogate(r) ? (char.IsSurrogate(l) ? 1 : -1) : l - r;
    }
}
