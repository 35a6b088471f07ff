using VAI.Daemon.Hosting;
using VAI.Daemon.Hosting.Sockets;

namespace VAI.Daemon.Tests.Hosting;

/// <summary>A ROM directory that somebody takes away, or gives to another daemon, while one has it.</summary>
public sealed class OwnedRomsTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"vai-owned-{Guid.NewGuid():N}");

    private string Copies => Path.Combine(_path, ".vai-kv");

    public void Dispose()
    {
        if (Directory.Exists(_path))
            Directory.Delete(_path, recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void One_that_was_removed_is_made_and_owned_again(bool byAnEngine)
    {
        using (var roms = OwnedRoms.Take(_path))
        {
            Assert.True(roms.Hold());
            Directory.Delete(_path, recursive: true);
            if (byAnEngine)
                MakeAsAnEngine();
            Assert.False(roms.Hold());
            Assert.True(roms.Hold());
            Assert.True(File.Exists(Path.Combine(Copies, MadeDirectory.Marker)));
            Assert.Equal(byAnEngine, File.Exists(Path.Combine(Copies, "2", "2-1.kv")));
            Assert.Equal(VaiError.InvalidOption, Assert.Throws<VaiUsageException>(() => OwnedRoms.Take(_path)).Code);
        }

        Assert.False(Directory.Exists(Copies));
        using var next = OwnedRoms.Take(_path);
    }

    [Fact]
    public void One_that_another_daemon_has_taken_is_that_ones()
    {
        var roms = OwnedRoms.Take(_path);
        Directory.Delete(_path, recursive: true);
        using var other = OwnedRoms.Take(_path);
        MakeAsAnEngine();
        VaiUsageException error = Assert.Throws<VaiUsageException>(() => roms.Hold());
        Assert.Contains("belongs to the daemon", error.Message);
        roms.Dispose();
        Assert.True(File.Exists(Path.Combine(Copies, "2", "2-1.kv")));
        Assert.True(other.Hold());
    }

    // They make what of the path is missing.
    private void MakeAsAnEngine()
    {
        foreach (string directory in new[] { _path, Copies, Path.Combine(Copies, "2") })
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.WriteAllText(Path.Combine(Copies, "2", "2-1.kv"), "a copy");
    }
}
