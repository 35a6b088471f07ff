using System.Globalization;
using System.Text;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Texts;

/// <summary>Upper and lower case and the kinds of characters, as Python's strings have them.</summary>
internal static class PythonCase
{
    public static string Upper(string text)
    {
        string upper = text.ToUpperInvariant();
        if (text.AsSpan().IndexOfAnyInRange('\u00df', '\ufb17') < 0 || !text.Any(SpecialCasing.Several.ContainsKey))
            return upper;
        var all = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
            all.Append(SpecialCasing.Several.TryGetValue(text[i], out (string Upper, string) several) ? several.Upper : upper[i].ToString());
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
            all.Append(inWord ? Lower(text, i, length) : Title(text, i, length));
            inWord = IsCased(text, i);
        }

        return all.ToString();
    }

    public static string Swap(string text)
    {
        var all = new StringBuilder();
        for (int i = 0; i < text.Length; i += CodePoints.Length(text, i))
        {
            int length = CodePoints.Length(text, i);
            all.Append(IsUpper(text, i) ? Lower(text, i, length) : Upper(text.Substring(i, length)));
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
            if (!(upper ? IsUpper(text, i) : IsLower(text, i)))
                return false;
        }

        return any;
    }

    /// <summary>Whether upper and title case stand behind what has no case, and lower case behind what has one.</summary>
    public static bool IsTitle(string text)
    {
        bool any = false, inWord = false;
        for (int i = 0; i < text.Length; i += CodePoints.Length(text, i))
        {
            if (IsLower(text, i) ? !inWord : inWord && IsCased(text, i))
                return false;
            inWord = IsCased(text, i);
            any |= inWord;
        }

        return any;
    }

    /// <summary>Letters, numbers and the underscore: what <c>\w</c> is.</summary>
    public static bool IsWord(char c) => c == '_' || CharUnicodeInfo.GetUnicodeCategory(c) is <= UnicodeCategory.OtherLetter
        or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    /// <summary>Whether it is not empty, and each character is of a kind, by its place and category.</summary>
    public static bool All(string text, Func<int, UnicodeCategory, bool> kind)
    {
        for (int i = 0; i < text.Length; i += CodePoints.Length(text, i))
        {
            if (!kind(i, CharUnicodeInfo.GetUnicodeCategory(text, i)))
                return false;
        }

        return text.Length > 0;
    }

    /// <summary>Python's white space: Unicode's, and the separators of ASCII.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    private static bool IsCased(string text, int at) =>
        IsUpper(text, at) || IsLower(text, at) || CharUnicodeInfo.GetUnicodeCategory(text, at) == UnicodeCategory.TitlecaseLetter;

    // Unicode's letters of a case, and its Other_Uppercase and Other_Lowercase as far as one unit goes.
    private static bool IsUpper(string text, int at) => CharUnicodeInfo.GetUnicodeCategory(text, at) == UnicodeCategory.UppercaseLetter
        || text[at] is (>= '\u2160' and <= '\u216f') or (>= '\u24b6' and <= '\u24cf');

    private static bool IsLower(string text, int at) => CharUnicodeInfo.GetUnicodeCategory(text, at) == UnicodeCategory.LowercaseLetter
        || text[at] is 'ª' or 'º' or (>= '\u02b0' and <= '\u02b8') or '\u02c0' or '\u02c1' or (>= '\u02e0' and <= '\u02e4') or '\u0345' or '\u037a'
            or (>= '\u1d2c' and <= '\u1d6a') or '\u2071' or '\u207f' or (>= '\u2090' and <= '\u209c') or (>= '\u2170' and <= '\u217f') or (>= '\u24d0' and <= '\u24e9');

    private static string Lower(string text, int at, int length) =>
        text[at] == 'Σ' ? (EndsWord(text, at) ? "ς" : "σ") : Lower(text.Substring(at, length));

    private static string Title(string text, int at, int length)
    {
        if (SpecialCasing.Several.TryGetValue(text[at], out (string, string Title) several))
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
