using System.Globalization;

namespace VAI.Native.Abi;

/// <summary>What this process has mapped, from <c>/proc/self/maps</c> (proc_pid_maps(5)).</summary>
internal static class ProcessMaps
{
    /// <summary>The file name of the first mapped library whose name starts with the prefix.</summary>
    public static string? FileOf(string prefix) => PathOf(prefix) is { } path ? Path.GetFileName(path) : null;

    /// <summary>The directory of that library, or the empty string.</summary>
    public static string DirectoryOf(string prefix) => Path.GetDirectoryName(PathOf(prefix)) ?? "";

    /// <summary>The path of that library; null if there is none.</summary>
    public static string? PathOf(string prefix)
    {
        foreach (string line in File.ReadLines("/proc/self/maps"))
        {
            int slash = line.IndexOf('/');
            if (slash >= 0 && Path.GetFileName(line.AsSpan(slash)).StartsWith(prefix, StringComparison.Ordinal))
                return line[slash..];
        }

        return null;
    }

    /// <summary>Whether bytes are mapped, as one piece, and may be used so.</summary>
    /// <param name="start">The first.</param>
    /// <param name="length">How many.</param>
    /// <param name="permission">As in the file: <c>r</c>, <c>w</c> or <c>x</c>.</param>
    public static bool Allows(nint start, int length, char permission)
    {
        foreach (string line in File.ReadLines("/proc/self/maps"))
        {
            ReadOnlySpan<char> range = line.AsSpan(0, line.IndexOf(' ', StringComparison.Ordinal));
            int dash = range.IndexOf('-');
            if ((ulong)start >= Hex(range[..dash]) && (ulong)start + (ulong)length <= Hex(range[(dash + 1)..]))
                return line.AsSpan(range.Length + 1, 4).Contains(permission);
        }

        return false;

        static ulong Hex(ReadOnlySpan<char> digits) => ulong.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
    }
}
