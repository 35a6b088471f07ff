using System.Globalization;
using System.Text;

namespace VAI.Native.Gguf;

/// <summary>Words for errors. What comes from the file is shortened and printable, whatever the file holds.</summary>
internal static class GgufText
{
    private const int MaxQuoted = 80;

    /// <summary>The structure of the file is damaged at a byte.</summary>
    public static VaiModelException Malformed(string file, string field, long offset, string what) =>
        new(VaiError.MalformedModel, $"{file}: {field} at byte {Number(offset)}: {what}. The file is damaged: download it again.");

    /// <summary>The file is well-formed, but a value cannot be right.</summary>
    public static VaiModelException Invalid(string file, string field, long offset, string what) =>
        new(VaiError.InvalidModel, $"{file}: {field} at byte {Number(offset)}: {what}. Use another conversion of this model.");

    /// <summary>A value that the model needs is not there.</summary>
    public static VaiModelException Missing(string file, string field) =>
        new(VaiError.InvalidModel, $"{file}: {field} is missing. Use another conversion of this model.");

    /// <summary>The text in quotes: at most 80 characters, none that a terminal would act on.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder(Math.Min(text.Length, MaxQuoted) + 5).Append('\'');
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, MaxQuoted)))
            quoted.Append(IsPrintable(c) ? c : '?');
        return quoted.Append(text.Length > MaxQuoted ? "...'" : "'").ToString();
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    // Format characters could reverse the direction of the text around them.
    private static bool IsPrintable(char c) => char.GetUnicodeCategory(c) is not (UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.LineSeparator
        or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
