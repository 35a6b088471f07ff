using System.Text;
using VAI.Text.Constraints.Automata;

namespace VAI.Text.Constraints.Gbnf;

/// <summary>What stands in quotes and in brackets.</summary>
internal static class GbnfCharacters
{
    /// <summary>Reads a text behind its opening quotation mark.</summary>
    public static string ReadText(GbnfCursor cursor)
    {
        if (cursor.TryReadPlain('"', out string plain))
            return plain;
        int line = cursor.Line;
        var text = new StringBuilder();
        while (!cursor.Skip('"'))
        {
            if (cursor.IsAtEnd)
                throw new GbnfError(line, "a text is not closed. Write a '\"' behind it");
            text.Append(char.ConvertFromUtf32(ReadCharacter(cursor)));
        }

        return text.ToString();
    }

    /// <summary>Reads a class behind its opening bracket.</summary>
    public static CharSet ReadClass(GbnfCursor cursor)
    {
        int line = cursor.Line;
        bool negated = cursor.Skip('^');
        var ranges = new List<CharRange>();
        while (!cursor.Skip(']'))
        {
            if (cursor.IsAtEnd)
                throw new GbnfError(line, "a '[' is not closed. Write a ']' behind the class, and \\[ for a bracket");
            int first = ReadCharacter(cursor), last = first;
            if (cursor.Next == '-' && cursor.Second is not (']' or '\0'))
            {
                cursor.Skip('-');
                last = ReadCharacter(cursor);
            }

            if (last < first)
                throw cursor.Error($"a range from {Show(first)} to {Show(last)} is out of order. Write the smaller one first, and \\x2D for a dash");
            ranges.Add(new CharRange(first, last));
        }

        // Elsewhere it is the empty text, which nobody means by it.
        if (ranges.Count == 0)
            throw cursor.Error("an empty class matches nothing. Write what it should match, or '.' for any character");
        var set = CharSet.OfRanges(ranges);
        return negated ? set.Complement() : set;
    }

    private static int ReadCharacter(GbnfCursor cursor)
    {
        if (!cursor.Skip('\\'))
            return cursor.ReadCodePoint();
        char kind = cursor.Next;
        if (kind is not ('x' or 'u' or 'U' or 't' or 'r' or 'n' or '\\' or '"' or '[' or ']' or '-'))
            throw cursor.Error($"'\\{cursor.Show()}' is no escape. There are \\n \\r \\t \\\\ \\\" \\[ \\] \\- \\xXX \\uXXXX \\UXXXXXXXX");
        cursor.Skip(kind);
        return kind switch
        {
            'x' => cursor.ReadHex(2),
            'u' => cursor.ReadHex(4),
            'U' => cursor.ReadHex(8),
            't' => '\t',
            'r' => '\r',
            'n' => '\n',
            _ => kind,
        };
    }

    private static string Show(int c) => c is > 0x20 and < 0x7F ? $"'{(char)c}'" : $"U+{c:X4}";
}
