using VAI.Native.Registry.Leases;

namespace VAI.Native.Tests.Rom.Burning;

/// <summary>File systems whose locks and mappings are not everybody's.</summary>
public sealed class FileSystemTests(RomModels models) : RomTest(models)
{
    [Theory]
    [InlineData(0x6969, "NFS")]
    [InlineData(0x01021997, "9p")]
    [InlineData(0x65735546, "FUSE (virtiofs too)")]
    [InlineData(0xFF534D42, "CIFS")]
    [InlineData(unchecked((int)0xFF534D42), "CIFS")]
    [InlineData(0x0BD00BD0, "Lustre")]
    [InlineData(0x00C36400, "Ceph")]
    [InlineData(0x01021994, null)] // tmpfs
    [InlineData(0xEF53, null)] // ext4
    [InlineData(0x58465342, null)] // xfs
    [InlineData(0x9123683E, null)] // btrfs
    [InlineData(0x794C7630, null)] // overlayfs
    [InlineData(0x2FC12FC1, null)] // zfs
    [InlineData(0x12345, null)]
    public void They_are_told_by_their_number(long magic, string? name) => Assert.Equal(name, FileSystemKind.NotSharedName(magic));

    [Fact]
    public void The_directory_here_is_shared() => Assert.True(RomDirectory.Open(Space, create: false)!.CanWrite);

    [Fact]
    public void On_one_that_is_not_shared_roms_are_attached_only()
    {
        using (RomStore empty = OpenStore())
            Assert.Empty(empty.Registry.ReadAll());
        File.Delete(Path.Combine(Space, RegistryLayout.FileName));
        File.Delete(Path.Combine(Space, LeaseLayout.FileName));
        File.Delete(Path.Combine(Space, RegistryWriter.LockName));
        RomDirectory directory = RomDirectory.Open(Space, create: true, _ => "9p")!;
        Throws<VaiUsageException>(VaiError.NotSupported, "is on 9p, .* attached, .*local file system", () => RomStore.Open(directory));
        Assert.Empty(Directory.GetFileSystemEntries(Space));

        BurnImage(Models.Tiny);
        string[] before = [.. Directory.GetFiles(Space).Order()];
        using RomStore store = RomStore.Open(directory);
        RegistryEntry entry = store.Find(Models.Tiny, RomProfile.Fast, plain: false)!.Value;
        using (RomHold hold = store.Hold(entry, Deadline, CancellationToken.None))
        {
            hold.Lease.AddTokens(1);
            hold.Lease.Sessions = 1;
        }

        Throws<VaiUsageException>(VaiError.NotSupported, "is on 9p", () => Burn(store, Models.Tiny));
        Throws<VaiUsageException>(VaiError.NotSupported, "is on 9p", () => store.Evict("m", force: false, null, CancellationToken.None));
        store.NoteLoad(store.Hold(entry, Deadline, CancellationToken.None), TimeSpan.FromSeconds(1));
        Assert.Equal(before, Directory.GetFiles(Space).Order());
    }

    /// <summary>Who may not write meets a burn: it waits, or is told.</summary>
    [Fact]
    public async Task Who_cannot_burn_waits_for_a_burn()
    {
        using RomStore owner = OpenStore();
        using RomStore member = RomStore.Open(RomDirectory.Open(Space, create: false, _ => "9p")!);
        RegistryEntry? met = null;
        var attached = new TaskCompletionSource<Task<RomHold>>();
        owner.Burn(new RomBurnRequest(Models.Tiny, "m", RomProfile.Fast, Deadline), rename: false, Report, CancellationToken.None);
        using RomHold hold = await await attached.Task;
        Assert.Equal(owner.Find("m", RomProfile.Fast, plain: false)!.Value.RomId, hold.Entry.RomId);

        void Report(RomBurnProgress p)
        {
            if (met is not null || p.Phase != RomBurnPhase.Verifying)
                return;
            RegistryEntry entry = member.Find(Models.Tiny, RomProfile.Fast, plain: false)!.Value;
            met = entry;
            Assert.Equal(RomState.Burning, entry.State);
            Throws<VaiEngineException>(VaiError.RomBurning, "burned by the directory's owner", () => member.Hold(entry, TimeSpan.Zero, CancellationToken.None));
            Assert.ThrowsAny<OperationCanceledException>(() => member.Hold(entry, Deadline, new CancellationToken(canceled: true)));
            attached.SetResult(Task.Run(() => member.Hold(entry, Deadline, CancellationToken.None)));
        }
    }
}
