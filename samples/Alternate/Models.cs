using VAI.Bench;
using VAI.Forge;

namespace Alternate;

/// <summary>Two models of random weights, made once and kept in the user's cache directory.</summary>
internal static class Models
{
    public static async Task<(BenchModel First, BenchModel Second)> ForgeAsync(CancellationToken cancellation)
    {
        string cache = CacheDirectory();
        Directory.CreateDirectory(cache);
        return (await OneAsync("fast", 1, cache, cancellation), await OneAsync("deep", 2, cache, cancellation));
    }

    private static async Task<BenchModel> OneAsync(string name, ulong seed, string cache, CancellationToken cancellation)
    {
        // The forge writes under another name and renames at the end, so that what is there is whole.
        string file = Path.Combine(cache, $"small-{seed}.gguf");
        if (!File.Exists(file))
        {
            await Bar.RunAsync($"forging {name} into {file}", report => ModelForge.ForgeAsync(
                "small",
                file,
                new ForgeOptions { Seed = seed, Overwrite = true },
                new Report<ForgeProgress>(p => report((double)p.BytesWritten / Math.Max(1, p.TotalBytes))),
                cancellation));
        }

        return new BenchModel(name, file);
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
