namespace VAI.Native.Tests.Rom;

/// <summary>Images that are cut, replaced, opened to others or changed.</summary>
public sealed class FileTests(RomModels models) : RomTest(models)
{
    [Theory]
    [InlineData(RomProfile.Fast)]
    [InlineData(RomProfile.Exact)]
    public void A_cut_image_is_refused(RomProfile profile)
    {
        string image = BurnImage(Models.Tiny, profile);
        long whole = new FileInfo(image).Length;
        foreach (long length in new[] { 0, 1, RomLayout.Page - 1, RomLayout.Page, whole / 2, whole - RomLayout.Page, whole - 1 })
        {
            string cut = CopyOf(image, $"{length}.rom");
            using (var file = new FileStream(cut, FileMode.Open, FileAccess.Write))
                file.SetLength(length);
            VaiEngineException error = Throws<VaiEngineException>(VaiError.RomTruncated, "cut short.*burn it again", () => RomFile.Open(cut));
            Assert.Contains($" {length} bytes", error.Message);
        }

        RomFile.Open(CopyOf(image, "whole.rom")).Dispose();
    }

    [Fact]
    public void Only_a_private_regular_file_is_an_image()
    {
        string image = BurnImage(Models.Tiny);
        string link = Path.Combine(Space, "link.rom"), pipe = Path.Combine(Space, "pipe.rom"), directory = Path.Combine(Space, "directory.rom");
        File.CreateSymbolicLink(link, image);
        Assert.Equal(0, Libc.mkfifo(pipe, 0x180));
        Directory.CreateDirectory(directory);
        Throws<VaiEngineException>(VaiError.RomDirectoryUnsafe, "symbolic link", () => RomFile.Open(link));
        Throws<VaiEngineException>(VaiError.RomDirectoryUnsafe, "not a regular file", () => RomFile.Open(pipe));
        Throws<VaiEngineException>(VaiError.RomDirectoryUnsafe, "not a regular file", () => RomFile.Open(directory));
        Throws<VaiUsageException>(VaiError.RomNotBurned, "no such ROM", () => RomFile.Open(Path.Combine(Space, "none.rom")));
    }

    [Fact]
    public void An_image_open_to_others_is_refused()
    {
        string image = CopyOf(BurnImage(Models.Tiny), "open.rom");
        foreach (string mode in new[] { "404", "402", "401", "420", "422", "444", "644", "777" })
        {
            SetMode(image, mode);
            Throws<VaiEngineException>(VaiError.RomDirectoryUnsafe, "read or written by others", () => RomFile.Open(image));
        }

        foreach (string mode in new[] { "400", "440", "600" })
        {
            SetMode(image, mode);
            RomFile.Open(image).Dispose();
        }
    }

    [Theory]
    [InlineData(RomProfile.Fast)]
    [InlineData(RomProfile.Exact)]
    public void A_changed_byte_of_the_metadata_is_found_by_attaching(RomProfile profile)
    {
        string image = BurnImage(Models.Tiny, profile);
        using var rom = RomFile.Open(image);
        long bytes = rom.Header.MetadataBytes;
        foreach (long at in new[] { 0, 1, bytes / 2, bytes - 1 })
        {
            Flip(image, RomLayout.Page + at);
            Throws<VaiEngineException>(VaiError.RomDamaged, "metadata.*burn it again", () => Attach(image));
            Flip(image, RomLayout.Page + at);
        }

        Attach(image).Model.Dispose();
    }

    /// <summary>Attaching reads no weights: that is what verifying is for.</summary>
    [Theory]
    [InlineData(RomProfile.Fast)]
    [InlineData(RomProfile.Exact)]
    public void A_changed_bit_of_the_weights_is_found_by_verifying(RomProfile profile)
    {
        string image = BurnImage(Models.Tiny, profile);
        using RomStore store = OpenStore();
        using var rom = RomFile.Open(image);
        long weights = RomLayout.Page + rom.Header.MetadataBytes, whole = rom.Header.ImageBytes;
        foreach (long at in new[] { weights + 1, (weights + whole) / 2, whole - 1 })
        {
            Flip(image, at);
            Attach(image).Model.Dispose();
            Throws<VaiEngineException>(VaiError.RomDamaged, "digest.*burn it again", () => rom.Verify(null, CancellationToken.None));
            Throws<VaiEngineException>(VaiError.RomDamaged, "digest", () => store.Verify("m", null, CancellationToken.None));
            Flip(image, at);
        }

        long read = 0;
        Assert.Equal("m", store.Verify("m", (done, _) => read = done, CancellationToken.None).Name);
        Assert.Equal(whole - RomLayout.Page, read);
        Assert.Throws<OperationCanceledException>(() => rom.Verify(null, new CancellationToken(canceled: true)));
    }

    [Fact]
    public void A_damaged_image_is_burned_anew_over_itself()
    {
        string image = BurnImage(Models.Tiny);
        Flip(image, RomLayout.CrcAt);
        Throws<VaiEngineException>(VaiError.RomDamaged, "checksum", () => RomFile.Open(image));
        using RomStore store = OpenStore();
        (Native.Registry.Entries.RegistryEntry entry, bool burned) = Burn(store, Models.Tiny);
        Assert.True(burned);
        Assert.Equal(image, store.Directory.ImagePath(entry.RomId));
        store.Verify("m", null, CancellationToken.None);
    }
}
