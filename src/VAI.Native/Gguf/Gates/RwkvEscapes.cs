namespace VAI.Native.Gguf.Gates;

/// <summary>The bytes that an RWKV token's text stands for: <c>\t</c>, <c>\n</c>, <c>\r</c>, <c>\xNN</c>, and <c>\c</c> for c.</summary>
internal static class RwkvEscapes
{
    /// <summary>How many bytes it stands for.</summary>
    /// <param name="text">The text as in the file: llama.cpp reads it up to a NUL.</param>
    /// <param name="first">The first of them.</param>
    public static int Length(ReadOnlySpan<byte> text, out byte first)
    {
        first = 0;
        int length = 0;
        for (int i = 0; i < text.Length && text[i] != 0; i++)
        {
            byte value = text[i];
            if (value == (byte)'\\')
            {
                // What breaks off stands for nothing.
                if (++i >= text.Length || text[i] == 0)
                    break;
                value = text[i] switch
                {
                    (byte)'t' => (byte)'\t',
                    (byte)'n' => (byte)'\n',
                    (byte)'r' => (byte)'\r',
                    _ => text[i],
                };
                if (text[i] == (byte)'x')
                {
                    if (i + 2 >= text.Length || text[i + 1] == 0 || text[i + 2] == 0)
                        break;
                    value = (byte)((Digit(text[i + 1]) << 4) + Digit(text[i + 2]));
                    i += 2;
                }
            }

            if (length++ == 0)
                first = value;
        }

        return length;
    }

    // As llama.cpp reads one, whatever it is.
    private static int Digit(byte digit) => (sbyte)digit >= (sbyte)'a' ? digit - 'a' + 10 : digit - '0';
}
