using System.Security.Cryptography;
using VAI.Forge;
using VAI.Native.Registry.Entries;
using VAI.Native.Rom;
using VAI.Native.Tests;
using VAI.TestPeer;

namespace VAI.Native.RootTests;

/// <summary>
/// A directory of mode 2750, and a member of its group, who is another user by setpriv(1): which takes root, so that these tests are
/// no part of the solution's. <c>dotnet test -c Release tests/VAI.Native.RootTests</c>
/// </summary>
public sealed class GroupTests : IDisposable
{
    private const int Member = 65534;
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);
    private static readonly string[] AsMember = ["setpriv", $"--reuid={Member}", $"--regid={Member}", "--clear-groups"];

    private readonly string _space = $"/dev/shm/vai-group-test-{Guid.NewGuid():n}";

    // Of no use to a member: its parents may be closed to him.
    private readonly string _models = $"/dev/shm/vai-group-models-{Guid.NewGuid():n}";

    public GroupTests()
    {
        Directory.CreateDirectory(_models);
        Directory.CreateDirectory(_space);
        Assert.True(Libc.chown(_space, -1, Member) == 0 && Libc.chmod(_space, Convert.ToUInt32("2750", 8)) == 0, "These tests need root.");
    }

    public void Dispose()
    {
        Directory.Delete(_space, recursive: true);
        Directory.Delete(_models, recursive: true);
    }

    /// <summary>As a container has it whose volume is mounted read-only.</summary>
    [Fact]
    public async Task Mounted_read_only_it_is_attached_from_and_not_burned_into()
    {
        using (var store = RomStore.Open(_space))
            Burn(store, await ForgeAsync(1), "m");
        string mount = _space + "-ro";
        Directory.CreateDirectory(mount);
        await RunAsync("mount", "--bind", _space, mount);
        try
        {
            await RunAsync("mount", "-o", "remount,bind,ro", mount);
            using var store = RomStore.Open(mount);
            using var peer = PeerProcess.Start("rom-attach", mount, "m");
            Assert.NotNull(await peer.ReadLineAsync());
            Assert.Equal(1, store.Users(store.Find("m", RomProfile.Fast, plain: false)!.Value).Leases);
            Assert.Equal(ExitCodes.Done, await peer.EndAsync());
            VaiUsageException refused = Assert.Throws<VaiUsageException>(store.Directory.CheckWritable);
            Assert.Contains("read-only", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            await RunAsync("umount", mount);
            Directory.Delete(mount);
        }

        static async Task RunAsync(string program, params string[] arguments)
        {
            using var run = System.Diagnostics.Process.Start(program, arguments);
            await run.WaitForExitAsync().WaitAsync(Deadline);
            Assert.Equal(0, run.ExitCode);
        }
    }

    [Fact]
    public async Task A_member_attaches_and_counts()
    {
        using var store = RomStore.Open(_space);
        RegistryEntry entry = Burn(store, await ForgeAsync(1), "m");
        using var own = PeerProcess.Start("rom-attach", _space, "m");
        using var member = PeerProcess.StartUnder(AsMember, [], "rom-attach", _space, "m");
        Assert.Equal(await own.ReadLineAsync(), await member.ReadLineAsync());
        Assert.Equal(2, store.Users(entry).Leases);
        Assert.Equal(ExitCodes.Done, await own.EndAsync());
        Assert.Equal(1, store.Users(entry).Leases);
        VaiUsageException inUse = Assert.Throws<VaiUsageException>(() => store.Evict("m", force: false, null, CancellationToken.None));
        Assert.Equal(VaiError.RomInUse, inUse.Code);
        Assert.Contains("1 process", inUse.Message, StringComparison.Ordinal);

        // Killed, it lets go as it would by itself; a burn or an eviction of his is refused, and leaves nothing.
        await member.KillAsync();
        Assert.Equal(0, store.Users(entry).Leases);
        string[] before = Snapshot();
        using var burning = PeerProcess.StartUnder(AsMember, [], "rom-burn", Readable(await ForgeAsync(2)), _space, "his");
        Assert.Equal("ready", await burning.ReadLineAsync());
        burning.Tell("burn");
        Assert.Equal(ExitCodes.VaiError, await burning.EndAsync());
        Assert.Contains($"{VaiError.RomDirectoryUnsafe}", await burning.ReadErrorAsync(), StringComparison.Ordinal);
        Assert.Equal(before, Snapshot());
        Assert.Null(store.Evict("m", force: false, null, CancellationToken.None).KeptFor);
    }

    [Fact]
    public async Task A_member_can_do_nothing_else()
    {
        using var store = RomStore.Open(_space);
        RegistryEntry entry = Burn(store, await ForgeAsync(1), "m");
        string image = store.Directory.ImagePath(entry.RomId);
        using RomHold hold = store.Hold(entry, Deadline, CancellationToken.None);
        hold.Lease.AddTokens(7);
        string[] before = Snapshot();

        using var hostile = PeerProcess.StartUnder(AsMember, [], "rom-hostile", _space, image);
        var allowed = new List<string>();
        for (string said = await hostile.ReadLineAsync(); said != "held"; said = await hostile.ReadLineAsync())
            allowed.Add(said);
        Assert.Equal(
            new[] { $"read {Path.GetFileName(image)}", $"read {Path.GetFileName(_space)}", "read registry" }.Order(), allowed.Order());
        Assert.Equal(before, Snapshot());

        // While he holds every lock that he can: nothing of the owner's ends, waits or is misled.
        hold.Lease.AddTokens(5);
        hold.Lease.Sessions = 3;
        Assert.Equal((12, 12), (hold.Lease.Tokens, store.Leases!.Count(entry.Digest).Tokens));
        Assert.True(store.Users(entry).Leases > 1);
        store.Hold(entry, Deadline, CancellationToken.None).Dispose();
        using (var again = RomStore.Open(_space))
        {
            Assert.Equal(RomState.Ready, Assert.Single(again.Registry.ReadAll()).Entry.State);
            Burn(again, await ForgeAsync(2), "other");
            again.Verify("m", null, CancellationToken.None);
            Assert.Null(again.Evict("other", force: false, null, CancellationToken.None).KeptFor);
        }

        // He counts as a user, and no more than that.
        hold.Dispose();
        Assert.Equal(
            VaiError.RomInUse, Assert.Throws<VaiUsageException>(() => store.Evict("m", force: false, null, CancellationToken.None)).Code);
        Assert.Equal(ExitCodes.Done, await hostile.EndAsync());
        Assert.Null(store.Evict("m", force: false, null, CancellationToken.None).KeptFor);
    }

    private static RegistryEntry Burn(RomStore store, string file, string name) =>
        store.Burn(new RomBurnRequest(file, name, RomProfile.Fast, Deadline), rename: false, null, CancellationToken.None).Entry;

    private static string Readable(string file)
    {
        Assert.Equal(0, Libc.chmod(file, Convert.ToUInt32("644", 8)));
        return file;
    }

    private async Task<string> ForgeAsync(ulong seed)
    {
        string file = Path.Combine(_models, $"{seed}.gguf");
        await ModelForge.ForgeAsync("tiny", file, new ForgeOptions { Type = ForgeType.Q4_0, Seed = seed });
        return file;
    }

    // Names, modes and owners, and what is in the files that count.
    private string[] Snapshot() =>
        [.. Directory.GetFileSystemEntries(_space).Append(_space).Order(StringComparer.Ordinal).Select(p =>
            $"{p} {Convert.ToString(Libc.ModeOf(p), 8)} {Libc.OwnerOf(p)} {(File.Exists(p) ? Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(p))) : "")}")];
}
