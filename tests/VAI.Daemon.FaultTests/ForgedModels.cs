using VAI.Forge;

namespace VAI.Daemon.FaultTests;

/// <summary>Forged models and a place for sockets and ROMs; gone after the tests.</summary>
public sealed class ForgedModels : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vai-fault-");
    private readonly List<string> _roms = [];
    private int _places;

    /// <summary>A model of the shape; the seed tells two of one shape apart.</summary>
    public string Model(string shape, int seed)
    {
        string file = Path.Combine(_directory.FullName, $"{shape}-{seed}.gguf");
        if (!File.Exists(file))
            ModelForge.ForgeAsync(shape, file, new ForgeOptions { Seed = (ulong)seed }).GetAwaiter().GetResult();
        return file;
    }

    /// <summary>The path of a directory that the daemon is to make.</summary>
    public string NewPlace() => Path.Combine(_directory.FullName, $"{++_places}");

    /// <summary>The path of a ROM directory that does not exist yet.</summary>
    public string NewRomDirectory()
    {
        string path = $"/dev/shm/vai-fault-{Environment.ProcessId}-{Guid.NewGuid():N}";
        _roms.Add(path);
        return path;
    }

    public void Dispose()
    {
        _directory.Delete(recursive: true);
        foreach (string path in _roms.Where(Directory.Exists))
            Directory.Delete(path, recursive: true);
    }
}

/// <summary>One daemon at a time: they would only take each other's cores.</summary>
[CollectionDefinition(Name)]
public sealed class FaultCollection : ICollectionFixture<ForgedModels>
{
    public const string Name = "faults";
}
