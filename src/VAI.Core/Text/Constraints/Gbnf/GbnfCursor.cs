using System.Globalization;

namespace VAI.Text.Constraints.Gbnf;

/// <summary>Where the reading of a grammar is.</summary>
internal sealed class GbnfCursor(string source)
{
    private int _at;

    /// <summary>From 1.</summary>
    public int Line { get; private set; } = 1;

    public bool IsAtEnd => _at == source.Length;

    /// <summary>The next UTF-16 unit; 0 at the end.</summary>
    public char Next => _at < source.Length ? source[_at] : '\0';

    /// <summary>The one behind it; 0 where there is none.</summary>
    public char Second => _at + 1 < source.Length ? source[_at + 1] : '\0';

    public bool Skip(char c)
    {
        if (IsAtEnd || source[_at] != c)
            return false;
        Advance();
        return true;
    }

    public bool Skip(string text)
    {
        if (!source.AsSpan(_at).StartsWith(text, StringComparison.Ordinal))
            return false;
        _at += text.Length;
        return true;
    }

    /// <summary>Spaces and comments.</summary>
    /// <param name="lines">Whether also line ends.</param>
    public void SkipSpace(bool lines)
    {
        while (!IsAtEnd)
        {
            if (Next == '#')
            {
                int end = source.AsSpan(_at).IndexOfAny('\r', '\n');
                _at = end < 0 ? source.Length : _at + end;
            }
            else if (Next is ' ' or '\t' || (lines && Next is '\r' or '\n'))
            {
                Advance();
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>A rule's name; empty where there is none.</summary>
    public string ReadName()
    {
        int start = _at;
        while (IsOfName(Next))
            _at++;
        return source[start.._at];
    }

    public static bool IsOfName(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_';

    /// <summary>A text up to a character, which is skipped, where it has nothing that is looked at further.</summary>
    public bool TryReadPlain(char end, out string text)
    {
        ReadOnlySpan<char> rest = source.AsSpan(_at);
        int length = rest.IndexOf(end);
        bool isPlain = length >= 0 && !rest[..length].ContainsAny('\\', '\r', '\n') && !rest[..length].ContainsAnyInRange('\uD800', '\uDFFF');
        text = isPlain ? rest[..length].ToString() : "";
        _at += isPlain ? length + 1 : 0;
        return isPlain;
    }

    /// <summary>The next code point, as it stands.</summary>
    public int ReadCodePoint()
    {
        char c = Next;
        if (!char.IsSurrogate(c))
        {
            Advance();
            return c;
        }

        if (!char.IsSurrogatePair(c, Second))
            throw Error("half of a surrogate pair is no character. Write the character, or its code as \\UXXXXXXXX");
        _at += 2;
        return char.ConvertToUtf32(c, source[_at - 1]);
    }

    /// <summary>A decimal number; -1 where there is none, and no more than the most.</summary>
    public long ReadNumber(long most)
    {
        if (!char.IsAsciiDigit(Next))
            return -1;
        long number = 0;
        for (; char.IsAsciiDigit(Next); _at++)
            number = Math.Min(most, (number * 10) + Next - '0');
        return number;
    }

    /// <summary>So many hexadecimal digits.</summary>
    public int ReadHex(int digits)
    {
        ReadOnlySpan<char> text = source.AsSpan(_at, Math.Min(digits, source.Length - _at));
        if (text.Length < digits || text.ContainsAnyExcept("0123456789abcdefABCDEF"))
            throw Error($"behind '\\{source[_at - 1]}' come {digits} hexadecimal digits");
        _at += digits;
        long value = long.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        if (value is > 0x10FFFF or (>= 0xD800 and <= 0xDFFF))
            throw Error($"{value:X} is the code of no character. Write one above FFFF as \\UXXXXXXXX, not as a pair");
        return (int)value;
    }

    /// <summary>What stands here, for a message.</summary>
    public string Show(int most = 1)
    {
        ReadOnlySpan<char> rest = source.AsSpan(_at, Math.Min(most, source.Length - _at));
        int end = rest.IndexOfAny('\r', '\n');
        return (end < 0 ? rest : rest[..end]).ToString();
    }

    public GbnfError Error(string what) => new(Line, what);

    private void Advance()
    {
        char c = source[_at++];
        if (c == '\n' || (c == '\r' && Next != '\n'))
            Line++;
    }
}
