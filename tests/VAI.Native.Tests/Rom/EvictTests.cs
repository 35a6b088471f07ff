namespace VAI.Native.Tests.Rom;

/// <summary>Taking names and images away.</summary>
public sealed class EvictTests(RomModels models) : RomTest(models)
{
    [Fact]
    public void An_evicted_rom_is_gone()
    {
        using RomStore store = OpenStore();
        RegistryEntry entry = Burn(store, Models.Tiny).Entry;
        string image = store.Directory.ImagePath(entry.RomId);
        long bytes = new FileInfo(image).Length;
        Assert.Equal(new RomEvicted(bytes, null), store.Evict("m", force: false, null, CancellationToken.None));
        Assert.False(File.Exists(image));
        AssertNothingLeft();
        Throws<VaiUsageException>(VaiError.RomNotBurned, "no ROM 'm'.*Known: none", () => store.Evict("m", force: false, null, CancellationToken.None));
        Throws<VaiUsageException>(VaiError.RomNotBurned, "no such ROM", () => store.Hold(entry, Deadline, CancellationToken.None));
        Assert.True(Burn(store, Models.Tiny).Burned);
    }

    [Fact]
    public void One_of_two_names_is_taken_and_the_image_stays()
    {
        using RomStore store = OpenStore();
        string image = store.Directory.ImagePath(Burn(store, Models.Tiny, "one").Entry.RomId);
        Burn(store, Models.Tiny, "two");
        Assert.Equal(new RomEvicted(0, "two"), store.Evict("one", force: false, null, CancellationToken.None));
        Assert.True(File.Exists(image));
        store.Verify("two", null, CancellationToken.None);
        Throws<VaiUsageException>(VaiError.RomNotBurned, "no ROM 'one'.*Known: two", () => store.Verify("one", null, CancellationToken.None));
        Assert.Null(store.Evict("two", force: false, null, CancellationToken.None).KeptFor);
        Assert.False(File.Exists(image));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_rom_in_use_is_not_evicted(int leases)
    {
        using RomStore store = OpenStore();
        RegistryEntry entry = Burn(store, Models.Tiny).Entry;
        RomHold[] holds = [.. Enumerable.Range(0, leases).Select(_ => store.Hold(entry, Deadline, CancellationToken.None))];
        Throws<VaiUsageException>(
            VaiError.RomInUse, $"'m' has {leases} process\\(es\\) attached", () => store.Evict("m", force: false, null, CancellationToken.None));
        Assert.Equal(RomState.Ready, Assert.Single(store.Registry.ReadAll()).Entry.State);
        store.Hold(entry, Deadline, CancellationToken.None).Dispose();
        foreach (RomHold hold in holds)
            hold.Dispose();
        Assert.Null(store.Evict("m", force: false, null, CancellationToken.None).KeptFor);
    }

    [Fact]
    public async Task Forced_it_waits_for_the_last_process_and_lets_no_new_one_in()
    {
        using RomStore store = OpenStore();
        RegistryEntry entry = Burn(store, Models.Tiny).Entry;
        string image = store.Directory.ImagePath(entry.RomId);
        using var peer = PeerProcess.Start("rom-attach", Space, "m");
        await peer.ReadLineAsync();
        var waited = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<RomEvicted> evicted = Task.Run(() => store.Evict("m", force: true, left => waited.TrySetResult(left), CancellationToken.None));
        Assert.Equal(1, await waited.Task);
        Assert.Throws<VaiUsageException>(() => store.Hold(entry, Deadline, CancellationToken.None));
        Throws<VaiUsageException>(VaiError.RomNotBurned, "being evicted", () => store.Hold(entry, Deadline, CancellationToken.None));
        Throws<VaiUsageException>(VaiError.RomInUse, "burned or evicted by process", () => store.Evict("m", force: false, null, CancellationToken.None));
        Assert.Null(store.Find(Models.Tiny, RomProfile.Fast, plain: false));
        Assert.True(File.Exists(image));
        await peer.KillAsync();
        Assert.Null((await evicted).KeptFor);
        Assert.False(File.Exists(image));
        AssertNothingLeft();
    }

    [Fact]
    public void A_wait_that_is_cancelled_leaves_the_rom_as_it_was()
    {
        using RomStore store = OpenStore();
        RegistryEntry entry = Burn(store, Models.Tiny).Entry;
        using RomHold hold = store.Hold(entry, Deadline, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => store.Evict("m", force: true, _ => stop.Cancel(), stop.Token));
        Assert.Equal(RomState.Ready, Assert.Single(store.Registry.ReadAll()).Entry.State);
        using RomHold another = store.Hold(entry, Deadline, CancellationToken.None);
        Assert.Equal(2, store.Users(entry).Leases);
        store.Verify("m", null, CancellationToken.None);
    }
}
