using VAI.Forge;

namespace WebApi;

/// <summary>Models of random weights, to try it without a download. Speed does not depend on the values.</summary>
internal static class Models
{
    public static async Task<string> ForgeAsync(ulong seed)
    {
        string file = Path.Combine(Path.GetTempPath(), $"vai-small-{seed}.gguf");
        if (!File.Exists(file))
            await ModelForge.ForgeAsync("small", file, new ForgeOptions { Seed = seed });
        return file;
    }
}
