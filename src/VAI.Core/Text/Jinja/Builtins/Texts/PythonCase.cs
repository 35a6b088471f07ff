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
        {
            if (SpecialCasing.Several.TryGetValue(text[i], out (string Upper, string) several))
                all.Append(several.Upper);
            else
                all.Append(upper[i]);
        }

        return all.ToString();
    }

    public static string Lower(string text)
    {
        string lower = text.ToLowerInvariant();
        if (!text.Contains('Σ') && !text.Contains('İ'))
            return lower;
        var all = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == 'İ')
                all.Append("i̇");
            else
                all.Append(text[i] == 'Σ' && EndsWord(text, i) ? 'ς' : lower[i]);
        }

        return all.ToString();
    }

    /// <summary>Appends a part of a text, its first upper, the others lower, as if it stood alone.</summary>
    public static void AppendCapitalized(StringBuilder all, string text, int start, int end)
    {
        int first = start + CodePoints.Length(text, start);
        AppendUpper(all, text, start, first - start);
        all.Append(Lower(text[first..end]));
    }

    /// <summary>The first upper, the others lower.</summary>
    public static string Capitalize(string text)
    {
        if (text.Length == 0)
            return text;
        int first = CodePoints.Length(text, 0);
        var title = new StringBuilder();
        AppendTitle(title, text, 0, first);

        // 'İ' is two in lower case.
        return title.Append(Lower(text).AsSpan(text[0] == 'İ' ? 2 : first)).ToString();
    }

    /// <summary>Python's <c>str.title</c>: what stands behind no letter is upper, the others lower.</summary>
    public static string Title(string text)
    {
        var all = new StringBuilder();
        bool inWord = false;
        for (int i = 0; i < text.Length; i += CodePoints.Length(text, i))
        {
            int length = CodePoints.Length(text, i);
            if (inWord)
                AppendLower(all, text, i, length);
            else
                AppendTitle(all, text, i, length);
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
            if (IsUpper(text, i))
                AppendLower(all, text, i, length);
            else
                AppendUpper(all, text, i, length);
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

    private static void AppendUpper(StringBuilder all, string text, int at, int length)
    {
        if (SpecialCasing.Several.TryGetValue(text[at], out (string Upper, string) several))
            all.Append(several.Upper);
        else
            AppendCased(all, text.AsSpan(at, length), static (from, to) => from.ToUpperInvariant(to));
    }

    private static void AppendLower(StringBuilder all, string text, int at, int length)
    {
        switch (text[at])
        {
            case 'İ':
                all.Append("i̇");
                break;
            case 'Σ':
                all.Append(EndsWord(text, at) ? 'ς' : 'σ');
                break;
            default:
                AppendCased(all, text.AsSpan(at, length), static (from, to) => from.ToLowerInvariant(to));
                break;
        }
    }

    private static void AppendTitle(StringBuilder all, string text, int at, int length)
    {
        if (SpecialCasing.Several.TryGetValue(text[at], out (string, string Title) several))
        {
            all.Append(several.Title);
            return;
        }

        switch (text[at])
        {
            case 'Ǆ' or 'ǆ' or 'ǅ':
                all.Append('ǅ');
                break;
            case 'Ǉ' or 'ǉ' or 'ǈ':
                all.Append('ǈ');
                break;
            case 'Ǌ' or 'ǌ' or 'ǋ':
                all.Append('ǋ');
                break;
            case 'Ǳ' or 'ǳ' or 'ǲ':
                all.Append('ǲ');
                break;
            default:
                AppendCased(all, text.AsSpan(at, length), static (from, to) => from.ToUpperInvariant(to));
                break;
        }
    }

    private static void AppendCased(StringBuilder all, ReadOnlySpan<char> one, Func<ReadOnlySpan<char>, Span<char>, int> change)
    {
        Span<char> cased = stackalloc char[2];
        all.Append(cased[..change(one, cased)]);
    }

    private static bool EndsWord(string text, int at) =>
        at > 0 && char.IsLetter(text[at - 1]) && (at + 1 == text.Length || !char.IsLetter(text[at + 1]));
}
