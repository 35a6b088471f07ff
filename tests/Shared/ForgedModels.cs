using VAI.Forge;

namespace VAI.Tests;

/// <summary>Forged models, each made once for the whole run, and a place for sockets, ROMs and saved sessions; gone after it.</summary>
public sealed class ForgedModels : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vai-tests-");
    private readonly Lazy<string> _shared;
    private readonly List<string> _roms = [];
    private int _names;

    public ForgedModels() => _shared = new Lazy<string>(NewRomDirectory);

    public string this[string shape] => Model(shape, new ForgeOptions().Seed);

    /// <summary>A ROM directory for all tests that need one.</summary>
    public string Roms => _shared.Value;

    /// <summary>A model of the shape; the seed tells two of one shape apart.</summary>
    public string Model(string shape, ulong seed)
    {
        string file = Path.Combine(_directory.FullName, $"{shape}-{seed}.gguf");
        if (!File.Exists(file))
            ModelForge.ForgeAsync(shape, file, new ForgeOptions { Seed = seed }).GetAwaiter().GetResult();
        return file;
    }

    /// <summary>The path of a file that does not exist yet; the name is its end.</summary>
    public string NewFile(string name) => Path.Combine(_directory.FullName, $"{Interlocked.Increment(ref _names)}.{name}");

    /// <summary>The path of a directory that the daemon is to make.</summary>
    public string NewPlace() => NewFile("place");

    /// <summary>The path of a ROM directory that does not exist yet.</summary>
    public string NewRomDirectory()
    {
        string path = $"/dev/shm/vai-tests-{Environment.ProcessId}-{Guid.NewGuid():N}";
        lock (_roms)
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
