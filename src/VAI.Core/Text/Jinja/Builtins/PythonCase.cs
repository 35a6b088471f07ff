using System.Globalization;
using System.Text;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins;

/// <summary>Upper and lower case and the kinds of characters, as Python's strings have them.</summary>
internal static class PythonCase
{
    // Unicode's SpecialCasing.txt: what becomes several letters.
    private static readonly Dictionary<char, (string Upper, string Title)> Several = new()
    {
        ['ß'] = ("SS", "Ss"),
        ['ŉ'] = ("ʼN", "ʼN"),
        ['ǰ'] = ("J̌", "J̌"),
        ['ΐ'] = ("Ϊ́", "Ϊ́"),
        ['ΰ'] = ("Ϋ́", "Ϋ́"),
        ['և'] = ("ԵՒ", "Եւ"),
        ['ﬀ'] = ("FF", "Ff"),
        ['ﬁ'] = ("FI", "Fi"),
        ['ﬂ'] = ("FL", "Fl"),
        ['ﬃ'] = ("FFI", "Ffi"),
        ['ﬄ'] = ("FFL", "Ffl"),
        ['ﬅ'] = ("ST", "St"),
        ['ﬆ'] = ("ST", "St"),
    };

    public static string Upper(string text)
    {
        string upper = text.ToUpperInvariant();
        if (text.AsSpan().IndexOfAnyInRange('ß', 'ﬆ') < 0 || !text.Any(Several.ContainsKey))
            return upper;
        var all = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
            all.Append(Several.TryGetValue(text[i], out (string Upper, string) several) ? several.Upper : upper[i].ToString());
        return all.ToString();
    }

    public static string Lower(string text)
    {
        string lower = text.ToLowerInvariant();
        if (!text.Contains('Σ') && !text.Contains('İ'))
            return lower;
        var all = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
            all.Append(text[i] == 'İ' ? "i̇" : text[i] == 'Σ' && EndsWord(text, i) ? "ς" : lower[i].ToString());
        return all.ToString();
    }

    /// <summary>The first upper, the others lower.</summary>
    public static string Capitalize(string text)
    {
        if (text.Length == 0)
            return text;
        int first = CodePoints.Length(text, 0);
        return Title(text, 0, first) + Lower(text)[first..];
    }

    /// <summary>Python's <c>str.title</c>: what stands behind no letter is upper, the others lower.</summary>
    public static string Title(string text)
    {
        var all = new StringBuilder();
        bool inWord = false;
        for (int i = 0; i < text.Length; i += CodePoints.Length(text, i))
        {
            int length = CodePoints.Length(text, i);
            all.Append(inWord ? Lower(text.Substring(i, length)) : Title(text, i, length));
            inWord = IsCased(text, i);
        }

        return all.ToString();
    }

    public static string Swap(string text)
    {
        var all = new StringBuilder();
        for (int i = 0; i < text.Length; i += CodePoints.Length(text, i))
        {
            string one = text.Substring(i, CodePoints.Length(text, i));
            all.Append(CharUnicodeInfo.GetUnicodeCategory(text, i) == UnicodeCategory.UppercaseLetter ? Lower(one) : Upper(one));
        }

        return all.ToString();
    }

    /// <summary>Whether it has letters with a case, and all of them have this one.</summary>
    public static bool Is(string text, bool upper)
    {
        bool any = false;
        for (int i = 0; i < text.Length; i += CodePoints.Length(text, i))
        {
            if (!IsCased(text, i))
                continue;
            any = true;
            if (CharUnicodeInfo.GetUnicodeCategory(text, i) == UnicodeCategory.UppercaseLetter != upper)
                return false;
        }

        return any;
    }

    public static bool IsTitle(string text) => Title(text) == text && text.Where((_, i) => IsCased(text, i)).Any();

    /// <summary>Whether it is not empty, and each character is of a kind.</summary>
    public static bool All(string text, Func<UnicodeCategory, bool> kind)
    {
        for (int i = 0; i < text.Length; i += CodePoints.Length(text, i))
        {
            if (!kind(CharUnicodeInfo.GetUnicodeCategory(text, i)))
                return false;
        }

        return text.Length > 0;
    }

    /// <summary>Python's white space: Unicode's, and the separators of ASCII.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    private static bool IsCased(string text, int at) => CharUnicodeInfo.GetUnicodeCategory(text, at)
        is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter;

    private static string Title(string text, int at, int length)
    {
        if (Several.TryGetValue(text[at], out (string, string Title) several))
            return several.Title;
        return text[at] switch
        {
            'Ǆ' or 'ǆ' or 'ǅ' => "ǅ",
            'Ǉ' or 'ǉ' or 'ǈ' => "ǈ",
            'Ǌ' or 'ǌ' or 'ǋ' => "ǋ",
            'Ǳ' or 'ǳ' or 'ǲ' => "ǲ",
            _ => text.Substring(at, length).ToUpperInvariant(),
        };
    }

    private static bool EndsWord(string text, int at) =>
        at > 0 && char.IsLetter(text[at - 1]) && (at + 1 == text.Length || !char.IsLetter(text[at + 1]));
}
