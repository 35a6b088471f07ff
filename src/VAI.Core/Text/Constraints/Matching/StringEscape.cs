namespace VAI.Text.Constraints.Matching;

/// <summary>
/// Escapes of a JSON string (RFC 8259, section 7) as a number: 0 outside of one, 1 behind the backslash, else <c>\u</c> with its digits so far, and
/// the first half of a surrogate pair. A half alone is no text.
/// </summary>
internal static class StringEscape
{
    public const int None = 0, Begun = 1;

    private const int Unicode = 2, DigitsShift = 2, DigitsMask = 7, ValueShift = 5, HighShift = 21;

    // Set together with the first half of a pair: behind that, "\u" must follow.
    private const int AwaitsBackslash = 5, AwaitsU = 6;

    /// <summary>Takes a character of an escape.</summary>
    /// <param name="may">Whether a character between two may come.</param>
    /// <param name="escape">How far the escape has come; what it comes to.</param>
    /// <param name="c">The character.</param>
    /// <param name="quote">What closes the string, and may be escaped.</param>
    /// <returns>The character that is said, -1 where the escape goes on, -2 where nothing that may be said can come of it.</returns>
    public static int Take(Func<int, int, bool> may, ref int escape, int c, char quote = '"')
    {
        if (escape == Begun)
        {
            if (c == 'u')
            {
                escape = Unicode;
                return may(0, 0xFFFF) || may(0x10000, 0x10FFFF) ? -1 : -2;
            }

            escape = None;
            return c switch
            {
                '"' or '\\' or '/' => c,
                '\'' when quote == '\'' => c,
                'b' => '\b',
                'f' => '\f',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                _ => -2,
            };
        }

        int digits = escape >> DigitsShift & DigitsMask, value = escape >> ValueShift & 0xFFFF, high = escape >>> HighShift;
        if (digits == AwaitsBackslash)
        {
            escape = escape & ~(DigitsMask << DigitsShift) | AwaitsU << DigitsShift;
            return c == '\\' ? -1 : -2;
        }

        if (digits == AwaitsU)
        {
            escape &= ~(DigitsMask << DigitsShift);
            return c == 'u' ? -1 : -2;
        }

        int digit = c is >= '0' and <= '9' ? c - '0' : c is >= 'a' and <= 'f' ? c - 'a' + 10 : c is >= 'A' and <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0)
            return -2;
        value = value << 4 | digit;
        digits++;
        int open = 4 * (4 - digits), from = value << open, to = from | (1 << open) - 1;
        if (high != 0)
        {
            // The second half.
            from = Math.Max(from, 0xDC00);
            to = Math.Min(to, 0xDFFF);
            int first = 0x10000 + (high - 1 << 10);
            if (from > to || !may(first + from - 0xDC00, first + to - 0xDC00))
                return -2;
            escape = digits == 4 ? None : Unicode | digits << DigitsShift | value << ValueShift | high << HighShift;
            return digits == 4 ? first + value - 0xDC00 : -1;
        }

        if (digits == 4 && value is >= 0xD800 and <= 0xDBFF)
        {
            int first = 0x10000 + (value - 0xD800 << 10);
            escape = Unicode | AwaitsBackslash << DigitsShift | value - 0xD800 + 1 << HighShift;
            return may(first, first + 0x3FF) ? -1 : -2;
        }

        if (digits == 4)
        {
            escape = None;
            return value is >= 0xDC00 and <= 0xDFFF ? -2 : value;
        }

        escape = Unicode | digits << DigitsShift | value << ValueShift;
        return CanBe(may, from, to) ? -1 : -2;
    }

    // Whether a character may come of digits that begin so: one of the basic plane, or the first half of one that is not.
    private static bool CanBe(Func<int, int, bool> may, int from, int to)
    {
        if (from < 0xD800 && may(from, Math.Min(to, 0xD7FF)))
            return true;
        if (to > 0xDFFF && may(Math.Max(from, 0xE000), to))
            return true;
        int first = Math.Max(from, 0xD800), last = Math.Min(to, 0xDBFF);
        return first <= last && may(0x10000 + (first - 0xD800 << 10), 0x10000 + (last - 0xD800 << 10) + 0x3FF);
    }
}
