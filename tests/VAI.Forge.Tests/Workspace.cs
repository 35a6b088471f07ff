namespace VAI.Forge.Tests;

/// <summary>A directory of its own for one test.</summary>
internal sealed class Workspace : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("vai-forge-").FullName;

    public string this[string name] => Path.Combine(Folder, name);

    public string[] Files => [.. Directory.EnumerateFileSystemEntries(Folder).Select(entry => Path.GetFileName(entry)).Order()];

    public async Task<string> ForgeAsync(string shape, ForgeOptions? options = null)
    {
        string file = this[$"{shape}-{Guid.NewGuid():N}.gguf"];
        await ModelForge.ForgeAsync(shape, file, options);
        return file;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}

/// <summary>Tests that forge into a directory of their own.</summary>
public abstract class WorkspaceTest : IDisposable
{
    private protected Workspace Workspace { get; } = new();

    public void Dispose()
    {
        Workspace.Dispose();
        GC.SuppressFinalize(this);
    }
}
