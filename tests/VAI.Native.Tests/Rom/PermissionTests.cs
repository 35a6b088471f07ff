using System.Globalization;
using VAI.Native.Interop;

namespace VAI.Native.Tests.Rom;

/// <summary>Writing through the mapping, and other users.</summary>
/// <remarks>
/// Only root can become another user. Where the tests run as somebody else they check what the kernel would judge that user
/// by: modes and owners.
/// </remarks>
public sealed class PermissionTests(RomModels models) : RomTest(models)
{
    private const int Nobody = 65534;
    private const int SignalExit = 128;
    private const int SIGABRT = 6;
    private const int SIGSEGV = 11;

    [Fact]
    public async Task A_write_through_the_mapping_ends_the_writer_and_changes_nothing()
    {
        string image = BurnImage(Models.Small);
        using var peer = PeerProcess.Start("rom-write", Space, "m");
        string[] where = (await peer.ReadLineAsync()).Split(' ');
        Assert.InRange(long.Parse(where[1], CultureInfo.InvariantCulture), 50_000_000, new FileInfo(image).Length);

        // .NET turns the fault into an error that cannot be caught, and aborts.
        Assert.Contains(await peer.EndAsync() - SignalExit, new[] { SIGABRT, SIGSEGV });
        Assert.Equal("", await peer.ReadRestAsync());
        Assert.Contains("AccessViolationException", await peer.ReadErrorAsync());
        using RomStore store = OpenStore();
        store.Verify("m", null, CancellationToken.None);
        Assert.DoesNotContain(store.Leases!.ReadAll(), l => l.IsLive);
        Assert.Equal((0, 0), RomUsers.Count(image));
    }

    [Theory]
    [InlineData("700")]
    [InlineData("750")]
    public async Task Another_user_can_do_nothing(string mode)
    {
        SetMode(Space, mode);
        string image = BurnImage(Models.Tiny);
        foreach (string path in Directory.GetFiles(Space).Append(Space))
        {
            uint bits = Libc.ModeOf(path);
            Assert.Equal(0u, bits & RomDirectory.OthersMode);
            Assert.Equal(LibcNative.geteuid(), Libc.OwnerOf(path));
        }

        if (!IsRoot)
            return;
        using var peer = PeerProcess.Start("rom-stranger", Space, image, $"{Nobody}");
        string[] tried = (await peer.ReadRestAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(ExitCodes.Done, await peer.EndAsync());
        Assert.Equal(
            ["list", "open", "write", "truncate", "chmod", "rename", "unlink"],
            tried.Select(t => Assert.Single(t.Split($" {LibcNative.EACCES}", StringSplitOptions.RemoveEmptyEntries))));
        using RomStore store = OpenStore();
        store.Verify("m", null, CancellationToken.None);
    }

    /// <summary>A directory of mode 2750: its group attaches to what its owner burned, and can do no more.</summary>
    [Fact]
    public async Task The_group_attaches_where_the_directory_has_one()
    {
        SetMode(Space, "2750");
        int group = IsRoot ? Nobody : -1;
        Assert.Equal(0, Libc.chown(Space, -1, group));
        SetMode(Space, "2750");
        string image = BurnImage(Models.Tiny);
        Assert.Equal(Convert.ToUInt32("440", 8), Libc.ModeOf(image) & 0xFFF);
        if (!IsRoot)
            return;
        using RomStore store = OpenStore();
        RegistryEntry entry = store.Find("m", RomProfile.Fast, plain: false)!.Value;
        using var own = PeerProcess.Start("rom-attach", Space, "m");
        using var other = PeerProcess.Start("rom-attach", Space, "m", $"{Nobody}");
        Assert.Equal(await own.ReadLineAsync(), await other.ReadLineAsync());
        Assert.Equal(2, store.Users(entry).Leases);
        Assert.Equal(ExitCodes.Done, await other.EndAsync());
        Assert.Equal(1, store.Users(entry).Leases);
        Assert.Equal(ExitCodes.Done, await own.EndAsync());

        using var stranger = PeerProcess.Start("rom-stranger", Space, image, $"{Nobody}");
        string tried = await stranger.ReadRestAsync();
        Assert.StartsWith("list allowed\nopen allowed\nwrite 13\ntruncate 13\nchmod 1\nrename 13\nunlink 13\n", tried);
    }
}
