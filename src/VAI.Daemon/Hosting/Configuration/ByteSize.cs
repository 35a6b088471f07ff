using System.Globalization;

namespace VAI.Daemon.Hosting.Configuration;

/// <summary>Sizes as people write them: 1073741824, 1024M, 1GiB, 1.5g. Units are powers of 1,024.</summary>
internal static class ByteSize
{
    private const string Units = "kmgt";

    /// <summary>What may be written.</summary>
    public const string Form = "SIZE";

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: it is no size.</exception>
    public static long Parse(string key, string text)
    {
        string number = text.Trim().ToLowerInvariant();
        foreach (string ending in (string[])["ib", "b"])
        {
            if (number.EndsWith(ending, StringComparison.Ordinal))
            {
                number = number[..^ending.Length];
                break;
            }
        }

        int unit = number.Length > 0 ? Units.IndexOf(number[^1], StringComparison.Ordinal) + 1 : 0;
        return decimal.TryParse(unit > 0 ? number[..^1] : number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value)
            && value <= long.MaxValue / (1L << (10 * unit))
            ? (long)(value * (1L << (10 * unit)))
            : throw ServeOptions.Invalid(key, $"is {Native.Excerpt.Of(text, 40)}, but must be a size, as 8GiB, 512M or a number of bytes.");
    }
}
