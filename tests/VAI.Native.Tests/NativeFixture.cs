using VAI.Forge;

namespace VAI.Native.Tests;

/// <summary>A forged model for the tests that need the loaded library.</summary>
public sealed class NativeFixture : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vai-native-tests-");

    public NativeFixture() => ModelForge.ForgeAsync("tiny", Tiny).GetAwaiter().GetResult();

    /// <summary>A context that is made in no time.</summary>
    internal static LlamaContextSettings Small { get; } = new() { Cells = 256, BatchSize = 8, MicroBatchSize = 8, MaxSequences = 2, Threads = 1 };

    public string Tiny => Path.Combine(_directory.FullName, "tiny.gguf");

    public void Dispose() => _directory.Delete(recursive: true);
}
