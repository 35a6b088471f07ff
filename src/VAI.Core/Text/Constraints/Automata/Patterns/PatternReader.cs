using System.Globalization;

namespace VAI.Text.Constraints.Automata.Patterns;

/// <summary>Where the reading of a pattern is.</summary>
internal sealed class PatternReader(string pattern)
{
    public int At { get; private set; }

    public bool IsAtEnd => At == pattern.Length;

    /// <summary>The next UTF-16 unit; 0 at the end, where nothing is looked for.</summary>
    public char Next => At < pattern.Length ? pattern[At] : '\0';

    public bool StartsWith(string text) => pattern.AsSpan(At).StartsWith(text, StringComparison.Ordinal);

    public bool Skip(char c)
    {
        if (IsAtEnd || pattern[At] != c)
            return false;
        At++;
        return true;
    }

    public bool Skip(string text)
    {
        if (!StartsWith(text))
            return false;
        At += text.Length;
        return true;
    }

    /// <summary>The next code point; half of a surrogate pair where it stands alone.</summary>
    public int Read()
    {
        int at = At;
        At += char.IsHighSurrogate(pattern[at]) && at + 1 < pattern.Length && char.IsLowSurrogate(pattern[at + 1]) ? 2 : 1;
        return At - at == 2 ? char.ConvertToUtf32(pattern[at], pattern[at + 1]) : pattern[at];
    }

    /// <summary>The text up to a character, which is skipped; null where it does not come.</summary>
    public string? ReadUntil(char end)
    {
        int at = pattern.IndexOf(end, At);
        if (at < 0)
            return null;
        string text = pattern[At..at];
        At = at + 1;
        return text;
    }

    /// <summary>A decimal number, at most <see cref="int.MaxValue"/>; -1 where there is none.</summary>
    public int ReadNumber()
    {
        if (!char.IsAsciiDigit(Next))
            return -1;
        long number = 0;
        for (; char.IsAsciiDigit(Next); At++)
            number = Math.Min(int.MaxValue, (number * 10) + Next - '0');
        return (int)number;
    }

    /// <summary>So many hexadecimal digits; -1 where there are not.</summary>
    public int ReadHex(int digits)
    {
        if (At + digits > pattern.Length || !pattern.AsSpan(At, digits).ContainsOnlyHex())
            return -1;
        int value = int.Parse(pattern.AsSpan(At, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        At += digits;
        return value;
    }

    /// <summary>Back to where it was.</summary>
    public void Return(int at) => At = at;

    /// <summary>What stands somewhere, for a message.</summary>
    public string Show(int from, int length = 1) => pattern.Substring(from, Math.Min(length, pattern.Length - from));
}

file static class Hex
{
    public static bool ContainsOnlyHex(this ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (!char.IsAsciiHexDigit(c))
                return false;
        }

        return true;
    }
}
