using VAI.Native.Memory;
using VAI.Native.Registry.Leases;
using Xunit.Abstractions;

namespace VAI.Native.Tests.Rom;

/// <summary>A lease is a lock on the image: who is attached counts, whatever it says of itself.</summary>
public sealed class LeaseLockTests(RomModels models, ITestOutputHelper output) : RomTest(models)
{
    private static readonly int Seed = int.TryParse(Environment.GetEnvironmentVariable("VAI_TEST_SEED"), out int seed) ? seed : Random.Shared.Next();

    [Fact]
    public async Task Leases_and_their_sessions_count_until_they_end_however_they_end()
    {
        using RomStore store = OpenStore();
        RegistryEntry entry = Burn(store, Models.Tiny).Entry;
        using var ended = PeerProcess.Start("rom-attach", Space, "m");
        using var killed = PeerProcess.Start("rom-attach", Space, "m");
        await ended.ReadLineAsync();
        await killed.ReadLineAsync();
        using RomHold hold = store.Hold(entry, Deadline, CancellationToken.None);
        RomHold other = store.Hold(entry, Deadline, CancellationToken.None);
        hold.Lease.Sessions = 3;
        other.Lease.Sessions = 4;
        Assert.Equal((4, 7), store.Users(entry));
        hold.Lease.Sessions = 1;
        Assert.Equal((4, 5), store.Users(entry));
        other.Dispose();
        Assert.Equal((3, 1), store.Users(entry));
        await killed.KillAsync();
        Assert.Equal((2, 1), store.Users(entry));
        Assert.Equal(ExitCodes.Done, await ended.EndAsync());
        Assert.Equal((1, 1), store.Users(entry));
        hold.Lease.Sessions = 0;
        Assert.Equal((1, 0), store.Users(entry));
    }

    [Fact]
    public void Counting_tokens_allocates_nothing_and_reaches_the_registry()
    {
        using RomStore store = OpenStore();
        RegistryEntry entry = Burn(store, Models.Tiny).Entry;
        using (RomHold hold = store.Hold(entry, Deadline, CancellationToken.None))
        {
            hold.Lease.AddTokens(1);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++)
                hold.Lease.AddTokens(1);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
            Parallel.For(0, 10_000, _ => hold.Lease.AddTokens(1));
            Assert.Equal((11_001, (1, 11_001)), (hold.Lease.Tokens, store.Leases!.Count(entry.Digest)));
        }

        using RomStore next = OpenStore();
        Assert.Equal(11_001, Assert.Single(next.Registry.ReadAll()).Entry.TokensServed);
    }

    [Fact]
    public void A_lease_that_ended_counts_no_more()
    {
        using RomStore store = OpenStore();
        RomHold hold = store.Hold(Burn(store, Models.Tiny).Entry, Deadline, CancellationToken.None);
        hold.Dispose();
        hold.Dispose();
        Assert.Throws<ObjectDisposedException>(() => hold.Lease.AddTokens(1));
        Assert.Throws<ObjectDisposedException>(() => hold.Lease.Sessions = 1);
    }

    /// <summary>More models than there are places to count in: they are attached all the same.</summary>
    [Fact]
    public void Without_a_place_to_count_in_a_lease_is_as_good()
    {
        using RomStore store = OpenStore();
        RegistryEntry entry = Burn(store, Models.Tiny).Entry;
        LeaseTally[] all = [.. Enumerable.Range(0, store.Leases!.Capacity).Select(_ => store.Leases.Take(entry.Digest))];
        using (RomHold hold = store.Hold(entry, Deadline, CancellationToken.None))
        {
            hold.Lease.AddTokens(5);
            Assert.Equal((5, 1), (hold.Lease.Tokens, store.Users(entry).Leases));
            Throws<VaiUsageException>(VaiError.RomInUse, "1 process", () => store.Evict("m", force: false, null, CancellationToken.None));
        }

        foreach (LeaseTally tally in all)
            tally.Dispose();
    }

    /// <summary>While one thread burns and evicts, another attaches: what is held is at its path for as long as it is held.</summary>
    [Fact]
    public async Task What_is_held_is_the_image_at_its_path()
    {
        output.WriteLine($"VAI_TEST_SEED={Seed}");
        using RomStore store = OpenStore();
        RegistryEntry entry = Burn(store, Models.Tiny).Entry;
        string image = store.Directory.ImagePath(entry.RomId);
        byte[] whole = File.ReadAllBytes(image);
        bool done = false;
        int held = 0;
        var attaching = Task.Factory.StartNew(
            () =>
            {
                var random = new Random(Seed);
                while (!Volatile.Read(ref done))
                {
                    try
                    {
                        using RomHold hold = store.Hold(entry, Deadline, CancellationToken.None);
                        held++;
                        for (int i = random.Next(50); i >= 0; i--)
                            Assert.True(FilePlace.IsAt(hold.File.Handle, image), "an image that is held is gone");
                    }
                    catch (VaiUsageException e) when (e.Code == VaiError.RomNotBurned)
                    {
                    }
                }
            },
            TaskCreationOptions.LongRunning);
        int evicted = 0;
        while (evicted < 200 && !attaching.IsCompleted)
        {
            try
            {
                store.Evict("m", force: false, null, CancellationToken.None);
                evicted++;
            }
            catch (VaiUsageException e) when (e.Code == VaiError.RomInUse)
            {
                continue;
            }

            // As a burn does it, and faster.
            string draft = image + ".new";
            File.WriteAllBytes(draft, whole);
            SetMode(draft, "400");
            File.Move(draft, image);
            using RegistryWriter writer = store.BeginWrite();
            writer.Add(entry);
        }

        Volatile.Write(ref done, true);
        await attaching;
        output.WriteLine($"{evicted} evictions, {held} holds");
        Assert.Equal(200, evicted);
    }

    [Fact]
    public void A_sealed_image_is_as_closed_after_an_eviction_that_was_refused()
    {
        using RomStore store = OpenStore();
        RegistryEntry entry = Burn(store, Models.Tiny).Entry;
        using RomHold hold = store.Hold(entry, Deadline, CancellationToken.None);
        Throws<VaiUsageException>(VaiError.RomInUse, "1 process", () => store.Evict("m", force: false, null, CancellationToken.None));
        Assert.Equal("400", Convert.ToString(Libc.ModeOf(store.Directory.ImagePath(entry.RomId)) & 0xFFF, 8));
    }

    /// <summary>A process that is stopped in the middle of a change holds the registry for as long as it likes.</summary>
    [Fact]
    public void A_busy_registry_fails_no_burn()
    {
        using RomStore store = OpenStore();
        FileLock? writer = null;
        var phases = new HashSet<RomBurnPhase>();
        (RegistryEntry entry, bool burned) = store.Burn(
            new RomBurnRequest(Models.Tiny, "m", RomProfile.Exact, Deadline), rename: false, Report, CancellationToken.None);
        Assert.True(burned && phases.Contains(RomBurnPhase.Sealing));
        Assert.Equal(entry.RomId, Assert.Single(store.Registry.ReadAll()).Entry.RomId);

        void Report(RomBurnProgress p)
        {
            phases.Add(p.Phase);
            if (p.Phase == RomBurnPhase.Filling)
                writer ??= RegistryWriter.Elect(Space, Deadline, CancellationToken.None);
            if (p.Phase == RomBurnPhase.Verifying)
                writer!.Dispose();
        }
    }

    /// <summary>While an evictor waits the same weights get another name: then the image stays for it.</summary>
    [Fact]
    public async Task An_image_that_gets_a_name_while_it_is_evicted_stays()
    {
        using RomStore store = OpenStore();
        RegistryEntry entry = Burn(store, Models.Tiny).Entry;
        RomHold hold = store.Hold(entry, Deadline, CancellationToken.None);
        var waits = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<RomEvicted> evicted = Task.Run(() => store.Evict("m", force: true, _ => waits.TrySetResult(), CancellationToken.None));
        await waits.Task;
        Throws<VaiUsageException>(VaiError.RomInUse, "being evicted", () => Burn(store, Models.Tiny));
        Assert.False(Burn(store, Models.Tiny, "other").Burned);
        hold.Dispose();
        Assert.Equal(new RomEvicted(0, "other"), await evicted);
        Assert.Equal("other", Assert.Single(store.Registry.ReadAll()).Entry.Name);
        store.Hold(store.Find("other", RomProfile.Fast, plain: false)!.Value, Deadline, CancellationToken.None).Dispose();
    }
}
