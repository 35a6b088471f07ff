using System.Globalization;

namespace VAI.Native.Rom;

/// <summary>
/// A small file beside an image: how long steps of prompts are best, as it was measured on this machine with so many threads. A text of one
/// line, <c>THREADS ROWS</c>. Whatever is wrong with it, it is measured again.
/// </summary>
internal static class RomSteps
{
    public const string Suffix = ".steps";

    private const int MostBytes = 32;

    /// <returns>Rows; 0 if it is not known for so many threads.</returns>
    public static int Read(RomDirectory roms, string romId, int threads)
    {
        try
        {
            using FileStream file = File.OpenRead(PathOf(roms, romId));
            Span<byte> bytes = stackalloc byte[MostBytes];
            string[] words = System.Text.Encoding.ASCII.GetString(bytes[..file.ReadAtLeast(bytes, MostBytes, throwOnEndOfStream: false)]).Split(' ', '\n');
            return words.Length >= 2 && Number(words[0]) == threads ? Number(words[1]) : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <summary>Keeps it for the next one, if this user may.</summary>
    public static void Write(RomDirectory roms, string romId, int threads, int rows)
    {
        try
        {
            // Who evicts the image takes this with it: none is left alone.
            if (roms.CanWrite && File.Exists(roms.ImagePath(romId)))
                File.WriteAllText(PathOf(roms, romId), string.Create(CultureInfo.InvariantCulture, $"{threads} {rows}\n"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Then it is measured again.
        }
    }

    public static string PathOf(RomDirectory roms, string romId) => Path.Combine(roms.Path, romId + Suffix);

    private static int Number(string word) => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;
}
