using VAI.Forge;

namespace VAI.Daemon.Tests.Api;

/// <summary>Forged models, and a directory for sockets, ROMs and saved sessions; deleted after the run.</summary>
public sealed class ApiModels : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vai-api-");
    private readonly DirectoryInfo _roms = Directory.CreateTempSubdirectory("vai-api-roms-");
    private int _files;

    public string this[string shape]
    {
        get
        {
            string file = Path.Combine(_directory.FullName, shape + ".gguf");
            if (!File.Exists(file))
                ModelForge.ForgeAsync(shape, file).GetAwaiter().GetResult();
            return file;
        }
    }

    public string NewFile(string ending) => Path.Combine(_directory.FullName, $"{Interlocked.Increment(ref _files)}.{ending}");

    /// <summary>A private ROM directory, shared by the tests that need one.</summary>
    public string Roms => _roms.FullName;

    public void Dispose()
    {
        _directory.Delete(recursive: true);
        _roms.Delete(recursive: true);
    }
}

/// <summary>Tests that compute: one at a time, since they would only take each other's cores.</summary>
[CollectionDefinition(Name)]
public sealed class ApiCollection : ICollectionFixture<ApiModels>
{
    public const string Name = "vai api";
}
