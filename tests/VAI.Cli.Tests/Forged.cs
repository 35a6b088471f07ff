namespace VAI.Cli.Tests;

/// <summary>A directory with two tiny models that <c>vai forge</c> made; gone after the tests.</summary>
public sealed class Forged : IAsyncLifetime
{
    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("vai-cli-").FullName;

    public string A => Path.Combine(Directory, "a.gguf");

    public string B => Path.Combine(Directory, "b.gguf");

    public async Task InitializeAsync()
    {
        foreach ((string file, string seed) in new[] { (A, "1"), (B, "2") })
        {
            VaiRun run = await VaiProcess.RunAsync("forge", "tiny", file, "--seed", seed);
            Assert.True(run.ExitCode == 0, run.Error);
        }
    }

    public Task DisposeAsync()
    {
        System.IO.Directory.Delete(Directory, recursive: true);
        return Task.CompletedTask;
    }

    public string Empty()
    {
        string file = Path.Combine(Directory, "empty.gguf");
        File.WriteAllBytes(file, []);
        return file;
    }

    public string At(string name) => Path.Combine(Directory, name);
}

[CollectionDefinition(Name)]
public sealed class ForgedCollection : ICollectionFixture<Forged>
{
    public const string Name = "forged";
}

/// <summary>What measures, on one thread: it runs beside the others, and says nothing of times.</summary>
[CollectionDefinition(Name)]
public sealed class BenchCollection : ICollectionFixture<Forged>
{
    public const string Name = "bench";
}
