using VAI.Forge;

namespace Samples;

/// <summary>Models of random weights, made once and kept in the user's cache directory.</summary>
internal static class Models
{
    /// <summary>The file of a small one; the seed tells them apart.</summary>
    public static async Task<string> SmallAsync(ulong seed, CancellationToken cancellation = default)
    {
        // The forge writes under another name and renames at the end, so that what is there is whole.
        string file = Path.Combine(Directory.CreateDirectory(CacheDirectory()).FullName, $"small-{seed}.gguf");
        if (!File.Exists(file))
        {
            Console.Error.WriteLine($"forging {file}");
            await ModelForge.ForgeAsync("small", file, new ForgeOptions { Seed = seed, Overwrite = true }, null, cancellation);
        }

        return file;
    }

    private static string CacheDirectory()
    {
        if (Environment.GetEnvironmentVariable("VAI_CACHE") is { Length: > 0 } own)
            return own;
        string home = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg
            ? xdg
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        return Path.Combine(home, "vai");
    }
}
