using VAI.Forge;

namespace VAI.Core.Tests;

/// <summary>Forged models, each made once for the whole run and deleted after it.</summary>
public sealed class ForgedModels : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vai-core-tests-");

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

    public string NewFile(string name) => Path.Combine(_directory.FullName, name);

    public void Dispose() => _directory.Delete(recursive: true);
}

/// <summary>Tests that compute: one at a time, since they would only take each other's cores.</summary>
[CollectionDefinition(Name)]
public sealed class EngineCollection : ICollectionFixture<ForgedModels>
{
    public const string Name = "engine";
}
