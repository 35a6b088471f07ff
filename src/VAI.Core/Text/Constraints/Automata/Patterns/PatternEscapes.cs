namespace VAI.Text.Constraints.Automata.Patterns;

/// <summary>What stands behind a backslash.</summary>
internal static class PatternEscapes
{
    /// <summary>Reads an escape behind its backslash.</summary>
    /// <param name="reader">Where it is.</param>
    /// <param name="inClass">Whether it is in brackets.</param>
    /// <returns>A set, or else a code point, which may be half of a surrogate pair.</returns>
    public static (CharSet? Set, int CodePoint) Read(PatternReader reader, bool inClass)
    {
        int start = reader.At - 1;
        if (reader.IsAtEnd)
            throw new PatternError(start, "a backslash ends the pattern");
        int c = reader.Read();
        switch (c)
        {
            case 'd' or 'D' or 'w' or 'W' or 's' or 'S':
                return (NamedSets.Find((char)c), 0);
            case 'p' or 'P':
                CharSet set = Property(reader, start);
                return (c == 'p' ? set : UnicodeProperties.Not(set), 0);
            case 'b' when inClass:
                return (null, '\b');
            case 'b' or 'B':
                throw new PatternError(start, $"word boundaries (\\{(char)c}) are not supported");
            case 'n':
                return (null, '\n');
            case 'r':
                return (null, '\r');
            case 't':
                return (null, '\t');
            case 'v':
                return (null, '\v');
            case 'f':
                return (null, '\f');
            case 'c' when char.IsAsciiLetter(reader.Next):
                return (null, reader.Read() & 31);
            case 'x':
                return (null, Hex(reader, 2, start));
            case 'u':
                return (null, Unicode(reader, start));
            case '0' when !char.IsAsciiDigit(reader.Next):
                return (null, 0);
            case >= '1' and <= '9':
                throw new PatternError(start, inClass ? $"\\{(char)c} has no meaning in brackets" : $"backreferences (\\{(char)c}) are not supported");
            case 'k':
                throw new PatternError(start, "backreferences (\\k) are not supported");
            // What is neither a letter nor a digit stands for itself, whoever reads it.
            case < 128 when !char.IsAsciiLetterOrDigit((char)c) && c != '_':
                return (null, c);
            default:
                throw new PatternError(start, $"'{reader.Show(start, reader.At - start)}' is no escape");
        }
    }

    private static CharSet Property(PatternReader reader, int start)
    {
        if (!reader.Skip('{') || reader.ReadUntil('}') is not { } name)
            throw new PatternError(start, "\\p and \\P need the name of a category in braces");
        if (UnicodeProperties.Find(name) is { } set)
            return set;
        string shown = name.Length > 40 ? name[..40] + "..." : name;
        throw new PatternError(start, name.StartsWith("Script", StringComparison.Ordinal) || name.StartsWith("sc", StringComparison.Ordinal)
            ? $"scripts (\\p{{{shown}}}) are not supported, general categories are"
            : $"'{shown}' is no general category of Unicode; other properties are not supported");
    }

    private static int Hex(PatternReader reader, int digits, int start) =>
        reader.ReadHex(digits) is >= 0 and var value ? value
            : throw new PatternError(start, $"{reader.Show(start, 2)} needs {digits} hexadecimal digits");

    private static int Unicode(PatternReader reader, int start)
    {
        if (reader.Skip('{'))
        {
            int value = 0;
            int digits = 0;
            for (int digit; (digit = reader.ReadHex(1)) >= 0; digits++)
                value = Math.Min(CharSet.LastCodePoint + 1, (value * 16) + digit);
            return digits > 0 && value <= CharSet.LastCodePoint && reader.Skip('}') ? value
                : throw new PatternError(start, "\\u{...} needs the hexadecimal digits of a code point");
        }

        int unit = Hex(reader, 4, start);
        int at = reader.At;
        if (!char.IsHighSurrogate((char)unit) || !reader.Skip("\\u"))
            return unit;
        if (reader.ReadHex(4) is >= 0 and var low && char.IsLowSurrogate((char)low))
            return char.ConvertToUtf32((char)unit, (char)low);
        reader.Return(at);
        return unit;
    }
}
