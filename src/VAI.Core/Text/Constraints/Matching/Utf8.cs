namespace VAI.Text.Constraints.Matching;

/// <summary>The code points that bytes can become (RFC 3629).</summary>
internal static class Utf8
{
    /// <param name="bytes">The bytes so far, the first in the lowest bits.</param>
    /// <param name="count">How many: 1 to 4.</param>
    /// <param name="from">The first code point that begins so.</param>
    /// <param name="to">The last; the same where the character is whole.</param>
    /// <returns>Whether there is any.</returns>
    public static bool TryRange(uint bytes, int count, out int from, out int to)
    {
        int lead = (int)(bytes & 0xFF);
        (int length, int value) = lead switch
        {
            < 0x80 => (1, lead),
            >= 0xC2 and < 0xE0 => (2, lead & 0x1F),
            >= 0xE0 and < 0xF0 => (3, lead & 0x0F),
            >= 0xF0 and <= 0xF4 => (4, lead & 0x07),
            _ => (0, 0),
        };
        (from, to) = (0, -1);
        if (length < count)
            return false;
        for (int i = 1; i < count; i++)
        {
            int next = (int)(bytes >> (8 * i)) & 0xFF;
            if ((next & 0xC0) != 0x80)
                return false;
            value = value << 6 | next & 0x3F;
        }

        int open = 6 * (length - count);
        from = value << open;
        to = from | (1 << open) - 1;

        // Not what fewer bytes say, no halves of pairs, nothing behind the last.
        from = Math.Max(from, length switch { 3 => 0x800, 4 => 0x10000, _ => 0 });
        to = Math.Min(to, 0x10FFFF);
        if (length == 3 && from >= 0xD800 && from <= 0xDFFF)
            from = 0xE000;
        if (length == 3 && to >= 0xD800 && to <= 0xDFFF)
            to = 0xD7FF;
        return from <= to;
    }
}
