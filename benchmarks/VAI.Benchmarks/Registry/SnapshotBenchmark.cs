using BenchmarkDotNet.Attributes;
using VAI.Native.Registry;
using VAI.Native.Registry.Entries;

namespace VAI.Benchmarks.Registry;

/// <summary>A consistent copy of one entry of the registry, while nobody writes.</summary>
[MemoryDiagnoser]
public class SnapshotBenchmark
{
    private DirectoryInfo _directory = null!;
    private RomRegistry _registry = null!;

    [GlobalSetup]
    public void Setup()
    {
        // Where ROMs are by default.
        _directory = Directory.Exists("/dev/shm")
            ? Directory.CreateDirectory($"/dev/shm/vai-snapshot-{Guid.NewGuid():n}")
            : Directory.CreateTempSubdirectory("vai-snapshot-");
        using (var registry = RomRegistry.Open(_directory.FullName))
        using (RegistryWriter writer = registry.BeginWrite(TimeSpan.FromSeconds(10), CancellationToken.None))
            writer.Add(new RegistryEntry { Name = "fast-model", State = RomState.Ready });
        _registry = RomRegistry.TryOpen(_directory.FullName)!;
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _registry.Dispose();
        _directory.Delete(recursive: true);
    }

    [Benchmark]
    public bool Snapshot() => _registry.TryRead(0, out _);
}
