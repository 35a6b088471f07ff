using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace VAI.Native.Registry.Entries;

/// <summary>Text in an entry's fixed fields.</summary>
internal static class EntryText
{
    /// <summary>Writes the text as UTF-8 and returns its length in bytes.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: it does not fit, or is no Unicode.</exception>
    public static int Encode(string text, Span<byte> field, string what) =>
        Utf8.FromUtf16(text, field, out _, out int written, replaceInvalidSequences: false) == OperationStatus.Done
            ? Padded(field, written)
            : throw new VaiUsageException(
                VaiError.InvalidOption,
                $"The {what} '{text}' is not Unicode text of at most {field.Length} bytes in UTF-8. Choose a shorter one.");

    /// <summary>Writes as many whole characters as fit and returns their length in bytes.</summary>
    public static int EncodeCut(string text, Span<byte> field)
    {
        Utf8.FromUtf16(text, field, out _, out int written);
        return Padded(field, written);
    }

    /// <summary>The bytes in use. The length is another process's word, and not trusted.</summary>
    public static ReadOnlySpan<byte> Used(ReadOnlySpan<byte> field, int length) => field[..Math.Min(length, field.Length)];

    /// <summary>The text of the bytes in use.</summary>
    public static string Decode(ReadOnlySpan<byte> field, int length) => Encoding.UTF8.GetString(Used(field, length));

    /// <summary>Copies bytes that fill the field.</summary>
    public static void Fill(ReadOnlySpan<byte> bytes, Span<byte> field)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(bytes.Length, field.Length);
        bytes.CopyTo(field);
    }

    // Zeros behind the text: equal entries are equal bytes.
    private static int Padded(Span<byte> field, int written)
    {
        field[written..].Clear();
        return written;
    }
}
