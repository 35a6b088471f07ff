using System.Globalization;
using System.Text;

namespace VAI.Text.Jinja.Syntax;

/// <summary>Escapes in a template's strings: Python's (Lexical analysis, "Escape sequences"), of which an unknown one keeps its backslash.</summary>
internal static class StringEscapes
{
    /// <summary>What a string stands for.</summary>
    /// <param name="text">Between its quotes.</param>
    /// <param name="line">Where it is, for errors.</param>
    /// <exception cref="TemplateError">An escape that is cut off or no character.</exception>
    public static string Decode(ReadOnlySpan<char> text, int line)
    {
        if (!text.Contains('\\'))
            return text.ToString();
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || i + 1 == text.Length)
            {
                result.Append(text[i]);
                continue;
            }

            char kind = text[++i];
            switch (kind)
            {
                case '\n':
                    break;
                case '\\' or '\'' or '"':
                    result.Append(kind);
                    break;
                case 'a' or 'b' or 'f' or 'n' or 'r' or 't' or 'v':
                    result.Append("\a\b\f\n\r\t\v"["abfnrtv".IndexOf(kind, StringComparison.Ordinal)]);
                    break;
                case 'N':
                    throw new TemplateError(line, "a string has '\\N', and the names of characters are not known here: '\\u' takes their numbers");
                case 'x' or 'u' or 'U':
                    int digits = kind == 'x' ? 2 : kind == 'u' ? 4 : 8;
                    Append(result, Hexadecimal(text, i + 1, digits, line), line);
                    i += digits;
                    break;
                case >= '0' and <= '7':
                    int length = 1;
                    while (length < 3 && i + length < text.Length && text[i + length] is >= '0' and <= '7')
                        length++;
                    Append(result, Convert.ToInt32(text.Slice(i, length).ToString(), 8), line);
                    i += length - 1;
                    break;
                default:
                    // Python escapes what is not ASCII first, and then takes the two backslashes for one.
                    int code = char.IsSurrogatePair(kind, i + 1 < text.Length ? text[i + 1] : ' ') ? char.ConvertToUtf32(kind, text[++i]) : kind;
                    result.Append('\\').Append(code < 0x80 ? kind.ToString() : code <= 0xFF ? $"x{code:x2}" : code <= 0xFFFF ? $"u{code:x4}" : $"U{code:x8}");
                    break;
            }
        }

        return result.ToString();
    }

    private static int Hexadecimal(ReadOnlySpan<char> text, int start, int digits, int line) =>
        start + digits <= text.Length
        && int.TryParse(text.Slice(start, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
            ? code : throw new TemplateError(line, $"a string has an escape that needs {digits} hexadecimal digits and has fewer");

    // Half a pair stays one, as in Python: the other half may follow.
    private static void Append(StringBuilder result, int code, int line)
    {
        if (code is < 0 or > 0x10FFFF)
            throw new TemplateError(line, "a string has an escape that is no character: \\U goes up to 0010ffff");
        if (code <= char.MaxValue)
            result.Append((char)code);
        else
            result.Append(char.ConvertFromUtf32(code));
    }
}
