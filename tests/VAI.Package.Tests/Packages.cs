using System.Globalization;
using System.IO.Compression;
using VAI.Cli.Tests;

namespace VAI.Package.Tests;

/// <summary>The packages, packed into a folder outside the repository from builds of their own; gone after the tests.</summary>
public sealed class Packages : IAsyncLifetime
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vai-packages-");

    // Its own, so that no package of an earlier run is taken for it; one that a user would get without asking for a preview.
    public string Version { get; } = $"0.1.0.{Random.Shared.Next(1, 65_000).ToString(CultureInfo.InvariantCulture)}";

    public string Folder => Path.Combine(_directory.FullName, "packages");

    /// <summary>What a shell needs to find them, and to put nothing into this user's own package cache.</summary>
    internal (string Name, string Value)[] Environment
    {
        get
        {
            string home = System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile);
            string cache = System.Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(home, ".nuget", "packages");
            return
            [
                ("VAI_PACKAGES", Folder), ("NUGET_PACKAGES", Path.Combine(_directory.FullName, "cache")),
                ("NUGET_FALLBACK_PACKAGES", Directory.Exists(cache) ? cache : ""),
            ];
        }
    }

    public async Task InitializeAsync()
    {
        foreach (string project in new[] { "VAI.Cli", "VAI.Core", "VAI.Native" })
            await PackAsync(project);
        await PackAsync("VAI.Native", "-p:VaiNativeBackend=vulkan");

        async Task PackAsync(string project, params string[] more)
        {
            VaiRun run = await Shell.RunAsync(
                Documentation.Root, "dotnet",
                [
                    "pack", $"src/{project}", "-c", "Release", "-o", Folder, "--artifacts-path", Path.Combine(_directory.FullName, "artifacts"),
                    $"-p:Version={Version}", "-p:RunAnalyzers=false", "-nodeReuse:false", .. more,
                ]);
            Assert.True(run.ExitCode == 0, run.Out + run.Error);
            Assert.DoesNotContain("warning", run.Out, StringComparison.OrdinalIgnoreCase);
        }
    }

    /// <summary>Packed once for all classes.</summary>
    [CollectionDefinition(nameof(Packages))]
    public sealed class Shared : ICollectionFixture<Packages>;

    public Task DisposeAsync()
    {
        _directory.Delete(recursive: true);
        return Task.CompletedTask;
    }

    /// <summary>Opens a package.</summary>
    public ZipArchive Open(string id) => ZipFile.OpenRead(Path.Combine(Folder, $"{id}.{Version}.nupkg"));

    /// <summary>The text of one of its files.</summary>
    public async Task<string> TextAsync(string id, string entry)
    {
        await using ZipArchive package = Open(id);
        using var reader = new StreamReader(await package.GetEntry(entry)!.OpenAsync());
        return await reader.ReadToEndAsync();
    }
}
