using VAI.Forge;

namespace VAI.Native.Tests.Rom.Burning;

/// <summary>Burning once, however often and by however many it is asked for.</summary>
public sealed class BurnTests(RomModels models) : RomTest(models)
{
    [Fact]
    public void The_same_model_is_burned_once()
    {
        using RomStore store = OpenStore();
        (RegistryEntry first, bool burned) = Burn(store, Models.Tiny);
        Assert.True(burned);
        DateTime written = File.GetLastWriteTimeUtc(store.Directory.ImagePath(first.RomId));
        (RegistryEntry again, burned) = Burn(store, Models.Tiny);
        Assert.False(burned);
        Assert.Equal((first.Name, first.RomId), (again.Name, again.RomId));

        // By its bytes, not by its path.
        (RegistryEntry copy, burned) = Burn(store, CopyOf(Models.Tiny, "copy.gguf"));
        Assert.False(burned);
        Assert.Equal(first.RomId, copy.RomId);
        Assert.Equal(written, File.GetLastWriteTimeUtc(store.Directory.ImagePath(first.RomId)));
        Assert.Single(store.Registry.ReadAll());
        Assert.Single(store.Directory.Images());
    }

    [Fact]
    public void Two_names_stand_for_one_image()
    {
        using RomStore store = OpenStore();
        Burn(store, Models.Tiny, "one");
        (RegistryEntry two, bool burned) = Burn(store, Models.Tiny, "two");
        Assert.False(burned);
        Assert.Equal("two", two.Name);
        Assert.Equal(two.RomId, store.Find("one", RomProfile.Fast, plain: false)!.Value.RomId);
        Assert.Equal(["one", "two"], store.Registry.ReadAll().Select(e => e.Entry.Name).Order());
        Assert.Single(store.Directory.Images());
    }

    [Fact]
    public void Profiles_have_images_of_their_own_where_their_weights_differ()
    {
        using RomStore store = OpenStore();
        string packed = Burn(store, Models.Tiny, "fast").Entry.RomId, plain = Burn(store, Models.Tiny, "exact", RomProfile.Exact).Entry.RomId;
        Assert.EndsWith(RomDirectory.PackedSuffix, packed);
        Assert.Equal(packed.Replace(RomDirectory.PackedSuffix, "-plain"), plain);
        Assert.Equal(packed, store.Find(Models.Tiny, RomProfile.Fast, plain: false)!.Value.RomId);
        Assert.Equal(plain, store.Find(Models.Tiny, RomProfile.Exact, plain: false)!.Value.RomId);
        Assert.Equal(plain, store.Find(Models.Tiny, RomProfile.Fast, plain: true)!.Value.RomId);

        // What no kernel packs is the same image for both.
        string unpackable = Models.Get("tiny", ForgeType.F16);
        RegistryEntry fast = Burn(store, unpackable, "f16").Entry;
        Assert.Equal("this CPU's kernels pack none of its weights", fast.Note);
        Assert.False(Burn(store, unpackable, "f16-exact", RomProfile.Exact).Burned);
    }

    [Fact]
    public void A_name_that_is_taken_is_extended()
    {
        using RomStore store = OpenStore();
        RegistryEntry first = Burn(store, Models.Tiny).Entry;
        RegistryEntry second = Burn(store, Models.Get("tiny", ForgeType.Q4_0, seed: 2)).Entry;
        Assert.Equal("m", first.Name);
        Assert.Equal("m@" + second.RomId[..8], second.Name);
        Assert.Equal(first.RomId, store.Find("m", RomProfile.Fast, plain: false)!.Value.RomId);
        Assert.Equal(2, store.Directory.Images().Count());
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void A_name_that_is_taken_moves_where_that_is_asked_for(bool attached, bool namedTwice)
    {
        using RomStore store = OpenStore();
        RegistryEntry first = Burn(store, Models.Tiny).Entry;
        if (namedTwice)
            Burn(store, Models.Tiny, "other");
        using (RomHold? hold = attached ? store.Hold(first, Deadline, CancellationToken.None) : null)
        {
            RegistryEntry second = Burn(store, Models.Get("tiny", ForgeType.Q4_0, seed: 2), rename: true).Entry;
            Assert.Equal("m", second.Name);
            Assert.NotEqual(first.RomId, second.RomId);
            Assert.Equal(second.RomId, store.Find("m", RomProfile.Fast, plain: false)!.Value.RomId);

            // The image goes with its last name, unless somebody is attached.
            Assert.Equal(attached || namedTwice, File.Exists(store.Directory.ImagePath(first.RomId)));
            Assert.Equal(namedTwice ? ["m", "other"] : new[] { "m" }, store.Registry.ReadAll().Select(e => e.Entry.Name).Order());
        }

        // Then the next to open the directory names it again.
        using RomStore next = OpenStore();
        Assert.Equal(attached || namedTwice ? 2 : 1, next.Registry.ReadAll().Count);
    }

    [Fact]
    public async Task Of_two_processes_that_burn_at_once_one_does()
    {
        using RomStore store = OpenStore();
        PeerProcess[] peers = [.. Enumerable.Range(0, 2).Select(i => PeerProcess.Start("rom-burn", Models.Small, Space, $"peer-{i}"))];
        foreach (PeerProcess peer in peers)
            Assert.Equal("ready", await peer.ReadLineAsync());
        foreach (PeerProcess peer in peers)
            peer.Tell("burn");
        string[][] burned = [.. await Task.WhenAll(peers.Select(BurnAsync))];
        Assert.Equal(["False", "True"], burned.Select(b => b[1]).Order());
        string id = Assert.Single(burned.Select(b => b[0]).Distinct());
        Assert.Single(burned.Select(b => b[2]).Distinct());
        Assert.Equal([id], store.Directory.Images());
        List<(EntrySlot Slot, RegistryEntry Entry)> entries = store.Registry.ReadAll();
        Assert.Equal(["peer-0", "peer-1"], entries.Select(e => e.Entry.Name).Order());
        Assert.Equal(2, store.Users(entries[0].Entry).Leases);
        foreach (PeerProcess peer in peers)
        {
            Assert.Equal(ExitCodes.Done, await peer.EndAsync());
            peer.Dispose();
        }

        static async Task<string[]> BurnAsync(PeerProcess peer)
        {
            Assert.Equal("burning", await peer.ReadLineAsync());
            return [.. (await peer.ReadLineAsync()).Split(' '), await peer.ReadLineAsync()];
        }
    }

    [Fact]
    public void Waiting_for_another_burn_ends_at_the_deadline_or_when_cancelled()
    {
        using RomStore store = OpenStore();
        string id = Burn(store, Models.Tiny).Entry.RomId;
        File.Delete(store.Directory.ImagePath(id));
        using (RomDraft.Take(store.Directory, id, Deadline, () => { }, CancellationToken.None))
        {
            var phases = new List<RomBurnPhase>();
            Throws<VaiEngineException>(VaiError.RomBurning, "another process burns this ROM.*Wait longer", () => store.Burn(
                new RomBurnRequest(Models.Tiny, "waiting", RomProfile.Fast, TimeSpan.Zero), false, p => phases.Add(p.Phase), CancellationToken.None));
            Assert.Contains(RomBurnPhase.Waiting, phases);
            Assert.DoesNotContain(RomBurnPhase.Filling, phases);

            using var stop = new CancellationTokenSource();
            Assert.ThrowsAny<OperationCanceledException>(() => store.Burn(
                new RomBurnRequest(Models.Tiny, "waiting", RomProfile.Fast, Deadline), false, p => CancelAt(p, RomBurnPhase.Waiting), stop.Token));
            void CancelAt(RomBurnProgress p, RomBurnPhase phase)
            {
                if (p.Phase == phase)
                    stop.Cancel();
            }

            Assert.True(File.Exists(store.Directory.BurnPath(id)));
        }

        // Nobody holds it any more: it is the remains of a burn.
        Assert.True(Burn(store, Models.Tiny).Burned);
        Assert.Empty(Directory.GetFiles(Space, "*.burn"));
    }
}
