using VAI.Forge;

namespace VAI.Native.Tests.Rom;

/// <summary>The forged models of the ROM tests, each made when it is first asked for, in memory.</summary>
public sealed class RomModels : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateDirectory($"/dev/shm/vai-rom-models-{Guid.NewGuid():n}");
    private readonly Dictionary<string, Task<string>> _files = [];

    /// <summary>Two layers, and weights that every CPU's kernels pack.</summary>
    public string Tiny => Get("tiny", ForgeType.Q4_0);

    /// <summary>82 MB: large enough for memory that llama.cpp maps.</summary>
    public string Small => Get("small", ForgeType.Q4_0);

    /// <summary>A model; its file is not to be changed.</summary>
    /// <param name="shape">The forge's name of it.</param>
    /// <param name="type">Null for the shape's own.</param>
    /// <param name="seed">Others for other weights.</param>
    public string Get(string shape, ForgeType? type, ulong seed = 1)
    {
        string name = $"{shape}-{type?.ToString() ?? "default"}-{seed}";
        lock (_files)
        {
            if (!_files.TryGetValue(name, out Task<string>? file))
                _files.Add(name, file = ForgeAsync());
            return file.GetAwaiter().GetResult();
        }

        async Task<string> ForgeAsync()
        {
            string path = Path.Combine(_directory.FullName, name + ".gguf");
            await ModelForge.ForgeAsync(shape, path, new ForgeOptions { Type = type, Seed = seed });
            return path;
        }
    }

    public void Dispose() => _directory.Delete(recursive: true);
}

/// <summary>Tests that compute, or count what is mapped: one at a time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class RomCollection : ICollectionFixture<RomModels>
{
    public const string Name = "ROM";
}
