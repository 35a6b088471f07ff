using VAI.Daemon.Hosting.Sockets;
using VAI.Daemon.Supervision.Engines;

namespace VAI.Daemon.Tests.Supervision;

/// <summary>Copies go from one engine process to the next, and those that nobody has wanted for long go away.</summary>
public sealed class KvEstateTests : IDisposable
{
    private readonly string _root = Path.Combine(Path.GetTempPath(), $"vai-estate-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(_root))
            Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public void The_next_process_has_what_the_last_one_had()
    {
        using KvEstate estate = New();
        Put(estate, 1, "1-1.kv", "1-2.kv");
        estate.Leave(2);
        Assert.Equal(["1-1.kv", "1-2.kv"], Left(estate, 2));
        Assert.False(Directory.Exists(estate.Of(1)));
    }

    [Fact]
    public void One_that_died_before_it_served_passes_it_on()
    {
        using KvEstate estate = New();
        Put(estate, 1, "1-1.kv");
        estate.Leave(2);
        Put(estate, 2, "2-1.kv");
        estate.Leave(3);
        Assert.Equal(["1-1.kv", "2-1.kv"], Left(estate, 3));
    }

    [Fact]
    public void What_three_processes_had_no_use_for_is_deleted()
    {
        using KvEstate estate = New();
        Put(estate, 1, "1-1.kv", "nobody's.kv");
        for (int heir = 2; heir <= 4; heir++)
        {
            estate.Leave(heir);
            Assert.Equal(["1-1.kv"], Left(estate, heir));
        }

        estate.Leave(5);
        Assert.Empty(Left(estate, 5));
    }

    [Fact]
    public void A_process_that_stands_by_keeps_its_own()
    {
        using KvEstate estate = New();
        Put(estate, 1, "1-1.kv");
        Put(estate, 3, "3-1.kv");
        estate.Leave(2);
        Assert.Equal(["1-1.kv"], Left(estate, 2));
        Assert.True(File.Exists(Path.Combine(estate.Of(3), "3-1.kv")));
    }

    [Fact]
    public void A_daemon_begins_and_ends_without_any()
    {
        KvEstate estate = New();
        Put(estate, 7, "7-1.kv");
        estate.Clear();
        Assert.Equal([MadeDirectory.Marker], Directory.EnumerateFileSystemEntries(_root).Select(Path.GetFileName));
        estate.Dispose();
        Assert.False(Directory.Exists(_root));
    }

    /// <summary>A daemon that is killed while it clears up leaves some of it: without the marker the next one would refuse it.</summary>
    [Fact]
    public async Task What_says_that_it_is_ours_goes_last()
    {
        KvEstate estate = New();
        string marker = Path.Combine(_root, MadeDirectory.Marker);

        // Directories list what is newest first, last, or in any order.
        for (int i = 1; i <= 40; i++)
            Directory.CreateDirectory(estate.Of(i));
        File.Delete(marker);
        File.WriteAllText(marker, "the first one");
        for (int i = 41; i <= 80; i++)
            Directory.CreateDirectory(estate.Of(i));
        estate.Clear();
        Assert.Equal("the first one", File.ReadAllText(marker));

        for (int i = 1; i <= 40; i++)
            Directory.CreateDirectory(estate.Of(i));
        var gone = new List<string?>();
        var ended = new TaskCompletionSource();
        using var watcher = new FileSystemWatcher(_root);
        watcher.Deleted += (_, e) =>
        {
            gone.Add(e.Name);
            if (e.Name == MadeDirectory.Marker)
                ended.TrySetResult();
        };
        watcher.EnableRaisingEvents = true;
        estate.Dispose();
        await ended.Task.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(41, gone.Count);
        Assert.False(Directory.Exists(_root));
    }

    [Theory]
    [InlineData("precious.txt")]
    [InlineData("1/precious.txt")]
    [InlineData("thesis/1.kv")]
    public void What_it_did_not_make_is_refused_and_kept(string precious)
    {
        KvEstate estate = New();
        Put(estate, 7, "7-1.kv");
        string file = Path.Combine(_root, precious);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, "all I have");
        VaiUsageException e = Assert.Throws<VaiUsageException>(estate.Clear);
        Assert.Equal(VaiError.InvalidOption, e.Code);
        Assert.StartsWith("romDir: ", e.Message);
        Assert.Contains(Path.GetDirectoryName(precious) is "thesis" ? "thesis" : precious, e.Message);
        estate.Dispose();
        Assert.Equal("all I have", File.ReadAllText(file));
        Assert.True(File.Exists(Path.Combine(estate.Of(7), "7-1.kv")));
    }

    [Fact]
    public void A_directory_that_it_did_not_make_is_refused_though_it_looks_like_one()
    {
        Directory.CreateDirectory(Path.Combine(_root, "1"));
        File.SetUnixFileMode(_root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string file = Path.Combine(_root, "1", "1-1.kv");
        File.WriteAllText(file, "mine");
        using var estate = new KvEstate(_root);
        Assert.Throws<VaiUsageException>(estate.Clear);
        Assert.True(File.Exists(file));
    }

    private KvEstate New()
    {
        var estate = new KvEstate(_root);
        estate.Clear();
        return estate;
    }

    private static void Put(KvEstate estate, int worker, params string[] names)
    {
        Directory.CreateDirectory(estate.Of(worker));
        foreach (string name in names)
            File.WriteAllText(Path.Combine(estate.Of(worker), name), name);
    }

    private static string[] Left(KvEstate estate, int worker)
    {
        string left = Path.Combine(estate.Of(worker), "inherited");
        return Directory.Exists(left) ? [.. Directory.EnumerateFiles(left).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)] : [];
    }
}
