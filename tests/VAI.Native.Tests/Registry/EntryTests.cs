namespace VAI.Native.Tests.Registry;

public sealed class EntryTests
{
    [Fact]
    public void Text_comes_back()
    {
        RegistryEntry entry = new() { Name = "größe-模型", RomId = "a", Architecture = "llama", Note = "🙂" };
        Assert.Equal(("größe-模型", "a", "llama", "🙂"), (entry.Name, entry.RomId, entry.Architecture, entry.Note));
        Assert.True(entry.IsNamed("größe-模型"u8));
        entry.Name = "b";
        Assert.Equal("b", entry.Name);
        Assert.False(entry.IsNamed("größe-模型"u8));
    }

    [Fact]
    public void Names_that_do_not_fit_are_refused()
    {
        RegistryEntry entry = new() { Name = new string('n', 256), RomId = new string('r', 96) };
        Assert.Equal((256, 96), (entry.Name.Length, entry.RomId.Length));
        Assert.Equal(VaiError.InvalidOption, Assert.Throws<VaiUsageException>(() => entry.Name = new string('n', 257)).Code);
        Assert.Equal(VaiError.InvalidOption, Assert.Throws<VaiUsageException>(() => entry.RomId = new string('r', 97)).Code);
        // Half of a pair would come back as another name.
        Assert.Equal(VaiError.InvalidOption, Assert.Throws<VaiUsageException>(() => entry.Name = "\ud83d").Code);
    }

    [Fact]
    public void Remarks_are_cut_between_characters()
    {
        RegistryEntry entry = new() { Architecture = new string('a', 40), Note = "x" + string.Concat(Enumerable.Repeat("🙂", 60)) };
        Assert.Equal(new string('a', 32), entry.Architecture);
        Assert.Equal("x" + string.Concat(Enumerable.Repeat("🙂", 47)), entry.Note);
    }

    [Fact]
    public void Digests_fill_their_field()
    {
        var entry = default(RegistryEntry);
        Assert.Throws<ArgumentOutOfRangeException>(() => entry.Digest = new byte[31]);
        Assert.Throws<ArgumentOutOfRangeException>(() => entry.SourceKey = new byte[17]);
    }
}
