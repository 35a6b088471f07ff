using VAI.Forge;

namespace VAI.Benchmarks;

/// <summary>Forged models in the temporary folder, made once and kept for the next run.</summary>
internal static class BenchmarkModels
{
    public static string File(string shape)
    {
        string directory = Path.Combine(Path.GetTempPath(), "vai-benchmarks");
        Directory.CreateDirectory(directory);
        string file = Path.Combine(directory, shape + ".gguf");
        if (!System.IO.File.Exists(file))
            ModelForge.ForgeAsync(shape, file).GetAwaiter().GetResult();
        return file;
    }
}
