using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using FsCheck.Xunit;
using static VAI.Native.Tests.Registry.RomDirectory;

namespace VAI.Native.Tests.Registry;

public sealed class RegistryTests : IDisposable
{
    private readonly RomDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_is_put_is_read_here_and_by_others()
    {
        Assert.Null(RomRegistry.TryOpen(_directory.FullName));
        using var registry = RomRegistry.Open(_directory.FullName);
        using RomRegistry reader = RomRegistry.TryOpen(_directory.FullName)!;
        Assert.Equal((256, 0), (reader.Capacity, reader.LastWriter.Pid));
        Assert.False(reader.TryRead(0, out _));

        using (RegistryWriter writer = Write(registry))
        {
            Assert.Equal(0, writer.Add(Entry("one")).Index);
            Assert.Equal(1, writer.Add(Entry("two", digest: 2)).Index);
            Assert.Equal(2, writer.Add(Entry("three", digest: 2)).Index);
            Assert.Equal((1, null), (writer.Find("two")?.Index, writer.Find("four")));
            Assert.Equal((1, null), (writer.FindRom(Digest(2), out _)?.Index, writer.FindRom(Digest(9), out _)));
            Assert.True(writer.Remove(writer.SlotAt(0)));
            Assert.Null(writer.Find("one"));
            Assert.Equal(0, writer.Add(Entry("four")).Index);
        }

        Assert.Equal(["four", "two", "three"], reader.ReadAll().Select(e => e.Entry.Name));
        Assert.True(reader.LastWriter.IsAlive);
        Assert.Equal(Environment.ProcessId, reader.LastWriter.Pid);
    }

    [Fact]
    public void A_full_registry_says_so()
    {
        using var registry = RomRegistry.Open(_directory.FullName);
        using RegistryWriter writer = Write(registry);
        for (int i = 0; i < registry.Capacity; i++)
            Assert.Equal(i, writer.Add(Entry($"{i}")).Index);
        Assert.Equal(VaiError.RegistryFull, Assert.Throws<VaiEngineException>(() => writer.Add(Entry("more"))).Code);
        Assert.Equal(7, writer.Put(writer.SlotAt(7), Entry("instead"))?.Index);
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public void Only_its_modes_bits_are_set()
    {
        using (RomRegistry.Open(_directory.FullName, mode: 0x1A0))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(_directory.RegistryFile));
        File.Delete(_directory.RegistryFile);
        using (RomRegistry.Open(_directory.FullName))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_directory.RegistryFile));
    }

    [Fact]
    public void A_reader_cannot_write_and_uses_after_disposal_are_refused()
    {
        var registry = RomRegistry.Open(_directory.FullName);
        using RomRegistry reader = RomRegistry.TryOpen(_directory.FullName)!;
        Assert.Equal(VaiError.NotSupported, Assert.Throws<VaiUsageException>(() => Write(reader)).Code);
        RegistryWriter writer = Write(registry);
        writer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => writer.Put(default, Entry("late")));
        registry.Dispose();
        Assert.Throws<ObjectDisposedException>(() => registry.TryRead(0, out _));
    }

    [Fact]
    public void Reading_allocates_nothing()
    {
        using var registry = RomRegistry.Open(_directory.FullName);
        using (RegistryWriter writer = Write(registry))
            writer.Add(Entry("one"));
        int read = 0;
        for (int pass = 0; pass < 2; pass++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++)
                read += registry.TryRead(i & 1, out _) ? 1 : 0;
            // The first pass may compile.
            if (pass == 1)
                Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(1000, read);
    }

    [Fact]
    public async Task Writers_exclude_each_other_and_a_killed_one_is_no_hindrance()
    {
        using var registry = RomRegistry.Open(_directory.FullName);
        using (Write(registry))
            Assert.Equal(VaiError.RegistryBusy, Busy(registry).Code);

        using var peer = PeerProcess.Start("registry-hold", _directory.FullName);
        await peer.ReadLineAsync();
        VaiEngineException busy = Busy(registry);
        Assert.Equal(VaiError.RegistryBusy, busy.Code);
        Assert.Contains($"process {peer.Id} ", busy.Message, StringComparison.Ordinal);
        Assert.Equal(peer.Id, registry.LastWriter.Pid);
        Assert.ThrowsAny<OperationCanceledException>(() => registry.BeginWrite(Deadline, new CancellationToken(canceled: true)));

        await peer.KillAsync();
        using (Write(registry))
            Assert.Equal(Environment.ProcessId, registry.LastWriter.Pid);
    }

    /// <summary>Any sequence of writes leaves what a dictionary would hold, whatever a killed writer left in the other slots.</summary>
    [Property(MaxTest = 200)]
    public void The_registry_is_a_dictionary((byte Operation, byte Index, int Value)[] operations)
    {
        using var directory = new RomDirectory();
        var model = new Dictionary<int, RegistryEntry>();
        var registry = RomRegistry.Open(directory.FullName);
        try
        {
            foreach ((byte operation, byte index, int value) in operations)
            {
                RegistryEntry entry = Entry($"model {value}", (byte)value) with { Bytes = value };
                switch (operation % 5)
                {
                    case 0:
                        using (RegistryWriter writer = Write(registry))
                            model.Add(writer.Add(entry).Index, entry);
                        break;
                    case 1:
                        using (RegistryWriter writer = Write(registry))
                            Assert.NotNull(writer.Put(writer.SlotAt(index), entry));
                        model[index] = entry;
                        break;
                    case 2:
                        using (RegistryWriter writer = Write(registry))
                            Assert.True(writer.Remove(writer.SlotAt(index)));
                        model.Remove(index);
                        break;
                    case 3:
                        registry.Dispose();
                        registry = RomRegistry.Open(directory.FullName);
                        break;
                    default:
                        HalfWrite(directory, index, (uint)value);
                        break;
                }
            }

            using RomRegistry reader = RomRegistry.TryOpen(directory.FullName)!;
            Assert.Equal(model.OrderBy(e => e.Key).Select(e => (e.Key, BytesOf(e.Value))), reader.ReadAll().Select(e => (e.Slot.Index, BytesOf(e.Entry))));
        }
        finally
        {
            registry.Dispose();
        }
    }

    private static string BytesOf(RegistryEntry entry) =>
        Convert.ToHexString(MemoryMarshal.AsBytes(new ReadOnlySpan<RegistryEntry>(in entry)));

    private static VaiEngineException Busy(RomRegistry registry) =>
        Assert.Throws<VaiEngineException>(() => registry.BeginWrite(TimeSpan.Zero, CancellationToken.None));

    // As a writer does that is killed before it commits.
    private static void HalfWrite(RomDirectory directory, int index, uint value)
    {
        long entry = RegistryLayout.HeaderBytes + ((long)index * RegistryLayout.EntryBytes);
        byte[] file = File.ReadAllBytes(directory.RegistryFile);
        ulong next = BitConverter.ToUInt64(file, (int)entry) + 1;
        long slot = entry + RegistryLayout.FirstSlot + ((long)(next & 1) * RegistryLayout.SlotBytes);
        Patch(directory.RegistryFile, slot, (uint)next);
        Patch(directory.RegistryFile, slot + RegistryLayout.SlotHeaderBytes + (value % 512), value);
    }
}
