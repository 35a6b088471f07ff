using static VAI.Native.Tests.Registry.RomDirectory;

namespace VAI.Native.Tests.Registry;

/// <summary>Who writes an entry says what it was; where it has moved since, nothing is written.</summary>
public sealed class SlotTests : IDisposable
{
    private readonly RomDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void An_entry_that_moved_is_not_written()
    {
        using var mine = RomRegistry.Open(_directory.FullName);
        using var other = RomRegistry.Open(_directory.FullName);
        EntrySlot slot;
        using (RegistryWriter writer = Write(mine))
            slot = writer.Add(Entry("mine"));

        // What a repair that takes this process for dead does, and then uses the place.
        using (RegistryWriter writer = Write(other))
        {
            Assert.True(writer.Remove(writer.Find("mine")!.Value));
            Assert.Equal(slot.Index, writer.Add(Entry("other")).Index);
        }

        using (RegistryWriter writer = Write(mine))
        {
            Assert.False(writer.TryRead(slot, out _));
            Assert.Null(writer.Put(slot, Entry("mine again")));
            Assert.False(writer.Remove(slot));
        }

        Assert.Equal("other", Assert.Single(other.ReadAll()).Entry.Name);
    }

    [Fact]
    public void Each_write_gives_the_slot_for_the_next()
    {
        using var registry = RomRegistry.Open(_directory.FullName);
        using RegistryWriter writer = Write(registry);
        EntrySlot first = writer.Add(Entry("one"));
        EntrySlot second = writer.Put(first, Entry("two"))!.Value;
        Assert.Equal(first.Index, second.Index);
        Assert.Null(writer.Put(first, Entry("lost")));
        Assert.True(writer.TryRead(second, out RegistryEntry entry) && entry.Name == "two");
        Assert.True(writer.Remove(second));
        Assert.False(writer.Remove(second));
    }

    /// <summary>A registry that another process set aside: who has it mapped goes on in the new one.</summary>
    [Fact]
    public void A_registry_that_was_set_aside_is_left_for_the_new_one()
    {
        using var registry = RomRegistry.Open(_directory.FullName);
        using RomRegistry reader = RomRegistry.TryOpen(_directory.FullName)!;
        EntrySlot before;
        using (RegistryWriter writer = Write(registry))
            before = writer.Add(Entry("orphan"));
        Patch(_directory.RegistryFile, 16, 0);
        using (var repaired = RomRegistry.OpenRepaired(_directory.FullName, 0x180))
        using (RegistryWriter writer = Write(repaired))
            Assert.Equal((before.Index, before.Generation), writer.Add(Entry("new")) is var now ? (now.Index, now.Generation) : default);

        Assert.Equal("new", Assert.Single(reader.ReadAll()).Entry.Name);
        using (RegistryWriter writer = Write(registry))
        {
            // Index and generation are the same; it is another file.
            Assert.Null(writer.Put(before, Entry("lost")));
            writer.Add(Entry("seen"));
        }

        Assert.Equal(["new", "seen"], reader.ReadAll().Select(e => e.Entry.Name));
    }

    /// <summary>Killed between setting a registry aside and making the new one.</summary>
    [Fact]
    public void A_registry_that_is_missing_is_made_by_the_next_writer()
    {
        using var registry = RomRegistry.Open(_directory.FullName);
        File.Move(_directory.RegistryFile, _directory.RegistryFile + ".damaged");
        using (RegistryWriter writer = Write(registry))
            writer.Add(Entry("there"));
        using RomRegistry reader = RomRegistry.TryOpen(_directory.FullName)!;
        Assert.Equal("there", Assert.Single(reader.ReadAll()).Entry.Name);
    }

    /// <summary>Of many that find a damaged registry at once one makes the new one, and nobody throws that away.</summary>
    [Fact]
    public async Task Many_repair_at_once_and_one_registry_is_left()
    {
        RomRegistry.Open(_directory.FullName).Dispose();
        for (int round = 0; round < 20; round++)
        {
            Patch(_directory.RegistryFile, 0, 0xFFFFFFFF);
            using var start = new Barrier(4);
            await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait();
                    using var registry = RomRegistry.OpenRepaired(_directory.FullName, 0x180);
                    using RegistryWriter writer = Write(registry);
                    writer.Add(Entry($"{i}"));
                },
                TaskCreationOptions.LongRunning)));
            using RomRegistry reader = RomRegistry.TryOpen(_directory.FullName)!;
            Assert.Equal(["0", "1", "2", "3"], reader.ReadAll().Select(e => e.Entry.Name).Order());
        }
    }
}
