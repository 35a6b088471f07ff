using VAI.Native.Registry.Leases;
using static VAI.Native.Tests.Registry.RomDirectory;

namespace VAI.Native.Tests.Registry;

/// <summary>Files that are not what their names say.</summary>
public sealed class DamageTests : IDisposable
{
    private readonly RomDirectory _directory = new();

    public DamageTests()
    {
        using var registry = RomRegistry.Open(_directory.FullName);
        using var leases = LeaseTable.Open(_directory.FullName);
        using RegistryWriter writer = Write(registry);
        writer.Put(writer.SlotAt(3), Entry("one"));
    }

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(0, 0u, VaiError.RegistryDamaged)] // magic, as a creator leaves it that has not finished
    [InlineData(4, 0x12345678u, VaiError.RegistryDamaged)]
    [InlineData(8, 0u, VaiError.RegistryDamaged)] // version
    [InlineData(8, 3u, VaiError.RomTooNew)]
    [InlineData(8, uint.MaxValue, VaiError.RomTooNew)]
    [InlineData(12, 0u, VaiError.RegistryDamaged)] // bytes of the header
    [InlineData(16, 0x7FFFFFFFu, VaiError.RegistryDamaged)] // count
    [InlineData(20, 0u, VaiError.RegistryDamaged)] // bytes of an item
    public void A_damaged_header_is_refused(long offset, uint value, VaiError code)
    {
        foreach (string file in (string[])[_directory.RegistryFile, _directory.LeaseFile])
            Patch(file, offset, value);
        AllRefuse(code);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    [InlineData(4096)]
    [InlineData(1 << 20)]
    public void Another_length_is_refused(long length)
    {
        foreach (string path in (string[])[_directory.RegistryFile, _directory.LeaseFile])
        {
            using FileStream file = File.OpenWrite(path);
            file.SetLength(length);
        }

        AllRefuse(VaiError.RegistryDamaged);
    }

    [Fact]
    public void A_newer_version_is_too_new_whatever_its_length()
    {
        foreach (string path in (string[])[_directory.RegistryFile, _directory.LeaseFile])
        {
            Patch(path, 8, 3);
            using FileStream file = File.OpenWrite(path);
            file.SetLength(1 << 20);
        }

        AllRefuse(VaiError.RomTooNew);
    }

    [Fact]
    public void Links_and_directories_are_refused()
    {
        foreach (string path in (string[])[_directory.RegistryFile, _directory.LeaseFile])
        {
            File.Move(path, path + ".moved");
            File.CreateSymbolicLink(path, path + ".moved");
        }

        AllRefuse(VaiError.RegistryDamaged);
        foreach (string path in (string[])[_directory.RegistryFile, _directory.LeaseFile])
        {
            File.Delete(path);
            Directory.CreateDirectory(path);
        }

        Assert.ThrowsAny<VaiException>(() => RomRegistry.Open(_directory.FullName));
        Assert.Equal(VaiError.RegistryDamaged, Assert.Throws<VaiEngineException>(() => RomRegistry.TryOpen(_directory.FullName)).Code);
        Assert.Equal(VaiError.RegistryDamaged, Assert.Throws<VaiEngineException>(() => LeaseTable.TryOpen(_directory.FullName)).Code);
    }

    [Fact]
    public void A_damaged_entry_is_refused_and_can_be_written_again()
    {
        using var registry = RomRegistry.Open(_directory.FullName);
        Patch(_directory.RegistryFile, RegistryLayout.HeaderBytes + (3 * RegistryLayout.EntryBytes) + RegistryLayout.FirstSlot
            + RegistryLayout.SlotBytes + RegistryLayout.SlotHeaderBytes + 300, 0x12345678);
        VaiEngineException damage = Assert.Throws<VaiEngineException>(() => registry.TryRead(3, out _));
        Assert.Equal(VaiError.RegistryDamaged, damage.Code);
        Assert.Contains("entry 3 ", damage.Message, StringComparison.Ordinal);
        Assert.False(registry.TryRead(2, out _));
        using (RegistryWriter writer = Write(registry))
            writer.Put(writer.SlotAt(3), Entry("again"));
        Assert.True(registry.TryRead(3, out RegistryEntry entry));
        Assert.Equal("again", entry.Name);
    }

    [Fact]
    public void What_a_killed_creator_left_is_no_registry()
    {
        File.Move(_directory.RegistryFile, _directory.RegistryFile + ".new");
        Assert.Null(RomRegistry.TryOpen(_directory.FullName));
        using var registry = RomRegistry.Open(_directory.FullName);
        Assert.Empty(registry.ReadAll());
    }

    private void AllRefuse(VaiError code)
    {
        Assert.Equal(code, Assert.Throws<VaiEngineException>(() => RomRegistry.Open(_directory.FullName)).Code);
        Assert.Equal(code, Assert.Throws<VaiEngineException>(() => RomRegistry.TryOpen(_directory.FullName)).Code);
        Assert.Equal(code, Assert.Throws<VaiEngineException>(() => LeaseTable.Open(_directory.FullName)).Code);
        Assert.Equal(code, Assert.Throws<VaiEngineException>(() => LeaseTable.TryOpen(_directory.FullName)).Code);
    }
}
