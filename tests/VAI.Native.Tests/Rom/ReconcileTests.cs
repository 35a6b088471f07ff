namespace VAI.Native.Tests.Rom;

/// <summary>The images are the truth: a registry that says otherwise is put right when the directory is opened.</summary>
public sealed class ReconcileTests(RomModels models) : RomTest(models)
{
    [Fact]
    public void An_image_without_an_entry_is_adopted_under_the_name_in_its_header()
    {
        RegistryEntry burned;
        using (RomStore store = OpenStore())
            burned = Burn(store, Models.Tiny, "adopted").Entry;
        File.Delete(Path.Combine(Space, RegistryLayout.FileName));
        using RomStore next = OpenStore();
        RegistryEntry entry = Assert.Single(next.Registry.ReadAll()).Entry;
        AssertSame(burned, entry);
        Assert.Equal(burned.RomId, next.Find(Models.Tiny, RomProfile.Fast, plain: false)!.Value.RomId);
        next.Hold(entry, Deadline, CancellationToken.None).Dispose();
        Assert.False(Burn(next, Models.Tiny, "adopted").Burned);
    }

    [Fact]
    public void Adopted_images_of_one_name_are_told_apart()
    {
        using (RomStore store = OpenStore())
        {
            Burn(store, Models.Tiny);
            Burn(store, Models.Tiny, profile: RomProfile.Exact);
        }

        File.Delete(Path.Combine(Space, RegistryLayout.FileName));
        using RomStore next = OpenStore();
        string[] names = [.. next.Registry.ReadAll().Select(e => e.Entry.Name).Order()];
        Assert.Equal("m", names[0]);
        Assert.StartsWith("m@", names[1]);
        Assert.Equal(2, names.Length);
        foreach (string name in names)
            next.Verify(name, null, CancellationToken.None);
    }

    [Fact]
    public void An_entry_without_an_image_is_removed()
    {
        string image = BurnImage(Models.Tiny);
        File.Delete(image);
        using RomStore store = OpenStore();
        AssertNothingLeft();
        Assert.Null(store.Find("m", RomProfile.Fast, plain: false));
    }

    /// <summary>The header of the file, the commit word of the entry, and bytes of both of its slots.</summary>
    [Theory]
    [InlineData("header")]
    [InlineData("version")]
    [InlineData("entry")]
    [InlineData("cut")]
    [InlineData("empty")]
    public void A_damaged_registry_is_made_again_from_the_images(string damage)
    {
        RegistryEntry burned;
        using (RomStore store = OpenStore())
            burned = Burn(store, Models.Tiny).Entry;
        string registry = Path.Combine(Space, RegistryLayout.FileName);
        Damage(registry, damage);
        using RomStore next = OpenStore();
        AssertSame(burned, Assert.Single(next.Registry.ReadAll()).Entry);
        next.Verify("m", null, CancellationToken.None);
        Assert.True(File.Exists(registry + ".damaged"));
        Assert.False(Burn(next, Models.Tiny).Burned);
    }

    [Fact]
    public void A_registry_of_a_newer_vai_is_left_alone()
    {
        BurnImage(Models.Tiny);
        string registry = Path.Combine(Space, RegistryLayout.FileName);
        Patch(registry, 8, [3]);
        byte[] before = File.ReadAllBytes(registry);
        Throws<VaiEngineException>(VaiError.RomTooNew, "newer VAI", () => OpenStore());
        Assert.Equal(before, File.ReadAllBytes(registry));
        Assert.False(File.Exists(registry + ".damaged"));
    }

    [Theory]
    [InlineData(RomState.Burning, false)]
    [InlineData(RomState.Burning, true)]
    [InlineData(RomState.Evicting, false)]
    [InlineData(RomState.Evicting, true)]
    internal void What_a_dead_process_was_doing_is_ended(RomState state, bool imageThere)
    {
        using (RomStore store = OpenStore())
        {
            RegistryEntry entry = Burn(store, Models.Tiny).Entry;
            using RegistryWriter writer = store.Registry.BeginWrite(Deadline, CancellationToken.None);

            // A process of that number and start lives: this one. It holds no lock, and that is what counts.
            writer.Put(writer.Find("m")!.Value, entry with { State = state, Owner = ProcessIdentity.Current });
            File.WriteAllText(store.Directory.BurnPath(entry.RomId), "half");
            if (!imageThere)
                File.Delete(store.Directory.ImagePath(entry.RomId));
        }

        using RomStore next = OpenStore();
        Assert.Empty(Directory.GetFiles(Space, "*.burn"));
        if (imageThere)
            Assert.True(Assert.Single(next.Registry.ReadAll()).Entry is { State: RomState.Ready, Name: "m" });
        else
            AssertNothingLeft();
    }

    [Fact]
    public void An_image_that_cannot_be_opened_is_neither_named_nor_removed()
    {
        string image = BurnImage(Models.Tiny);
        File.Delete(Path.Combine(Space, RegistryLayout.FileName));
        Flip(image, RomLayout.NameAt);
        using RomStore store = OpenStore();
        Assert.Empty(store.Registry.ReadAll());
        Assert.True(File.Exists(image));
        Assert.True(Burn(store, Models.Tiny).Burned);
    }

    private static void Damage(string registry, string damage)
    {
        switch (damage)
        {
            case "header":
                Patch(registry, 0, [0xFF]);
                break;
            case "version":
                Patch(registry, 8, [0]);
                break;
            case "entry":
                for (int entry = 0; entry < 4; entry++)
                {
                    for (int slot = 0; slot < 2; slot++)
                        Patch(registry, 128 + (entry * RegistryLayout.EntryBytes) + RegistryLayout.FirstSlot + (slot * RegistryLayout.SlotBytes) + 16, [0xFF, 0xFF]);
                }

                break;
            default:
                using (FileStream file = new(registry, FileMode.Open, FileAccess.Write))
                    file.SetLength(damage == "cut" ? file.Length / 2 : 0);
                break;
        }
    }

    private static void Patch(string file, long offset, byte[] bytes)
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        stream.Position = offset;
        stream.Write(bytes);
    }

    private static void AssertSame(RegistryEntry a, RegistryEntry b)
    {
        Assert.Equal(
            (a.Name, a.RomId, a.State, a.Profile, a.Packed, a.Bytes, a.Architecture, a.Vocabulary, a.Layers, a.Embedding, a.ContextLength),
            (b.Name, b.RomId, b.State, b.Profile, b.Packed, b.Bytes, b.Architecture, b.Vocabulary, b.Layers, b.Embedding, b.ContextLength));
        Assert.Equal(
            (a.BurnedAtUnixMs, a.SourceBytes, a.SourceMtimeNs, a.SourceIdentity, a.Note),
            (b.BurnedAtUnixMs, b.SourceBytes, b.SourceMtimeNs, b.SourceIdentity, b.Note));
        Assert.True(a.Digest.SequenceEqual(b.Digest) && a.SourceKey.SequenceEqual(b.SourceKey));
    }
}
