namespace VAI.Native.Tests.Rom;

/// <summary>What is made of a vocabulary is left beside its image, once, and read there by whoever has the same.</summary>
public sealed class RomVocabularyTests(RomModels models) : RomTest(models)
{
    private static readonly byte[] Content = [.. Enumerable.Range(0, 64 << 10).Select(i => (byte)(i * 7))];

    [Theory]
    [InlineData("700", "400")]
    [InlineData("750", "440")]
    public void What_is_left_is_read_and_goes_with_the_image(string directory, string mode)
    {
        SetMode(Space, directory);
        string image = BurnImage(Models.Tiny), path = RomDirectory.VocabularyPath(image);
        using (var rom = RomFile.Open(image))
        {
            Assert.Null(RomVocabulary.Read(rom, 1));
            Assert.True(RomVocabulary.Leave(rom, 1, Content));
            Assert.Equal(Content, RomVocabulary.Read(rom, 1));
            Assert.Equal(Convert.ToUInt32(mode, 8), Libc.ModeOf(path) & 0xFFFu);

            // Whoever comes second leaves what is there, and who makes something else does not take it.
            Assert.True(RomVocabulary.Leave(rom, 1, Content));
            Assert.Null(RomVocabulary.Read(rom, 2));
        }

        using RomStore store = OpenStore();
        Assert.True(File.Exists(path));
        store.Evict("m", force: false, null, CancellationToken.None);
        AssertNothingLeft();
    }

    [Fact]
    public void What_is_damaged_or_no_ones_is_made_again()
    {
        string image = BurnImage(Models.Tiny), path = RomDirectory.VocabularyPath(image);
        using var rom = RomFile.Open(image);
        foreach (Action spoil in new Action[]
        {
            () => Flip(path, 5), () => Flip(path, 20), () => Flip(path, 60_000), () => Cut(path, 40), () => Cut(path, 60_000), () => SetMode(path, "444"),
            () => Replace(path, () => File.CreateSymbolicLink(path, image)), () => Replace(path, () => Assert.Equal(0, Libc.mkfifo(path, 0b_110_000_000))),
        })
        {
            Assert.True(RomVocabulary.Leave(rom, 1, Content));
            Assert.NotNull(RomVocabulary.Read(rom, 1));
            spoil();
            Assert.Null(RomVocabulary.Read(rom, 1));
        }
    }

    [Fact]
    public void What_is_left_of_images_that_are_gone_is_removed_at_the_next_start()
    {
        string image = BurnImage(Models.Tiny), path = RomDirectory.VocabularyPath(image);
        using (var rom = RomFile.Open(image))
            Assert.True(RomVocabulary.Leave(rom, 1, Content));
        File.Delete(image);
        OpenStore().Dispose();
        Assert.False(File.Exists(path));

        // One that is removed while it is made leaves nothing.
        image = BurnImage(Models.Tiny);
        using (var rom = RomFile.Open(image))
        {
            File.Delete(image);
            RomVocabulary.Leave(rom, 1, Content);
        }

        Assert.False(File.Exists(path));
    }

    private static void Cut(string path, long length)
    {
        SetMode(path, "600");
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Write))
            file.SetLength(length);
        SetMode(path, "400");
    }

    private static void Replace(string path, Action by)
    {
        File.Delete(path);
        by();
    }
}
