namespace VAI.Native.Abi;

/// <summary>Which libraries this process has mapped, from <c>/proc/self/maps</c>.</summary>
internal static class ProcessMaps
{
    /// <summary>The directory of the first mapped library whose name starts with the prefix, or the empty string.</summary>
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
}
