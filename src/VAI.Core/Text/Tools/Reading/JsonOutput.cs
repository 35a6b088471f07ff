using System.Buffers;
using System.Globalization;
using VAI.Text.Constraints.Schemas;

namespace VAI.Text.Tools.Reading;

/// <summary>Writes pieces of JSON for a call's arguments.</summary>
internal static class JsonOutput
{
    private static readonly SearchValues<char> Escaped = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(c => (char)c), '"', '\\', '\u007f']);

    /// <summary>Values that are words, as JSON has them and as Python prints them.</summary>
    public static readonly (string Word, string Json, JsonTypes Type)[] Words =
    [
        ("null", "null", JsonTypes.Null), ("true", "true", JsonTypes.Boolean), ("false", "false", JsonTypes.Boolean),
        ("None", "null", JsonTypes.Null), ("True", "true", JsonTypes.Boolean), ("False", "false", JsonTypes.Boolean),
    ];

    /// <summary>What a part of a string says, as JSON has it between its quotation marks.</summary>
    public static void Text(ICallSink sink, ReadOnlySpan<char> text)
    {
        while (text.IndexOfAny(Escaped) is >= 0 and int at)
        {
            if (at > 0)
                sink.Arguments(text[..at]);
            char c = text[at];
            sink.Arguments(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                _ => "\\u" + ((int)c).ToString("x4", CultureInfo.InvariantCulture),
            });
            text = text[(at + 1)..];
        }

        if (text.Length > 0)
            sink.Arguments(text);
    }

    /// <summary>A whole string.</summary>
    public static void Quoted(ICallSink sink, ReadOnlySpan<char> text)
    {
        sink.Arguments("\"");
        Text(sink, text);
        sink.Arguments("\"");
    }

    /// <summary>Whether a text is a number as JSON writes them.</summary>
    public static bool IsNumber(ReadOnlySpan<char> text)
    {
        int at = text.StartsWith("-") ? 1 : 0, whole = Digits(text, ref at);
        if (whole == 0 || (whole > 1 && text[at - whole] == '0'))
            return false;
        if (at < text.Length && text[at] == '.')
        {
            at++;
            if (Digits(text, ref at) == 0)
                return false;
        }

        if (at < text.Length && text[at] is 'e' or 'E')
        {
            at++;
            if (at < text.Length && text[at] is '-' or '+')
                at++;
            if (Digits(text, ref at) == 0)
                return false;
        }

        return at == text.Length;
    }

    private static int Digits(ReadOnlySpan<char> text, ref int at)
    {
        int from = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
            at++;
        return at - from;
    }
}
