using VAI.Forge;

namespace VAI.Native.Tests.Rom.Burning;

/// <summary>Which file a ROM stands for: never old weights, and no second burn of the same.</summary>
public sealed class SourceTests(RomModels models) : RomTest(models)
{
    private string Other => Models.Get("tiny", ForgeType.Q4_0, seed: 2);

    public static TheoryData<string> Replacements => ["copied over", "renamed over", "link turned", "made anew"];

    [Theory]
    [MemberData(nameof(Replacements))]
    public void A_file_of_the_same_length_and_time_is_another(string how)
    {
        Assert.Equal(new FileInfo(Models.Tiny).Length, new FileInfo(Other).Length);
        using RomStore store = OpenStore();
        string file = Path.Combine(Space, "model.gguf"), one = CopyOf(Models.Tiny, "one"), two = CopyOf(Other, "two");
        var time = new DateTime(1970, 1, 1, 0, 0, 1, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(one, time);
        File.SetLastWriteTimeUtc(two, time);
        if (how == "link turned")
            File.CreateSymbolicLink(file, one);
        else
            File.Copy(one, file);
        File.SetLastWriteTimeUtc(file, time);
        RegistryEntry first = Burn(store, file, "one").Entry;
        Assert.Equal(first.RomId, store.Find(file, RomProfile.Fast, plain: false)!.Value.RomId);

        switch (how)
        {
            case "copied over":
                File.WriteAllBytes(file, File.ReadAllBytes(two));
                break;
            case "renamed over":
                File.Move(two, file, overwrite: true);
                break;
            case "link turned":
                File.Delete(file);
                File.CreateSymbolicLink(file, two);
                break;
            default:
                File.Delete(file);
                File.Copy(two, file);
                break;
        }

        File.SetLastWriteTimeUtc(file, time);
        Assert.Null(store.Find(file, RomProfile.Fast, plain: false));
        (RegistryEntry second, bool burned) = Burn(store, file, "two");
        Assert.True(burned);
        Assert.NotEqual(first.RomId, second.RomId);
        Assert.Equal(second.RomId, store.Find(file, RomProfile.Fast, plain: false)!.Value.RomId);
    }

    [Fact]
    public void One_file_by_several_paths_is_one_rom()
    {
        using RomStore store = OpenStore();
        string file = CopyOf(Models.Tiny, "model.gguf"), link = Path.Combine(Space, "link"), deep = Path.Combine(Space, "deep");
        File.CreateSymbolicLink(link, file);
        Directory.CreateSymbolicLink(deep, Space);
        RegistryEntry entry = Burn(store, link, "linked").Entry;
        foreach (string path in (string[])[file, link, Path.Combine(deep, "model.gguf")])
            Assert.Equal("linked", store.Find(path, RomProfile.Fast, plain: false)?.Name);

        // Which is shown as held is the name that stands for the path that was given.
        Burn(store, file, "direct");
        Assert.Equal("direct", store.Find(file, RomProfile.Fast, plain: false)!.Value.Name);
        Assert.Equal("linked", store.Find(link, RomProfile.Fast, plain: false)!.Value.Name);
        File.Delete(file);
        Assert.Equal(entry.RomId, store.Find(link, RomProfile.Fast, plain: false)!.Value.RomId);
    }

    [Fact]
    public void What_only_looks_changed_is_read_and_not_burned_again()
    {
        using RomStore store = OpenStore();
        string file = CopyOf(Models.Tiny, "model.gguf");
        RegistryEntry entry = Burn(store, file).Entry;
        SetMode(file, "640");
        Assert.Null(store.Find(file, RomProfile.Fast, plain: false));
        Assert.Equal((entry.RomId, false), Burn(store, file) is var (again, burned) ? (again.RomId, burned) : default);
        Assert.Equal("m", store.Find(file, RomProfile.Fast, plain: false)!.Value.Name);
        Assert.Single(store.Registry.ReadAll());
    }

    /// <summary>An entry of an older VAI, which knew no more than path, length and time.</summary>
    [Fact]
    public void What_is_not_known_of_a_source_its_digest_tells()
    {
        using RomStore store = OpenStore();
        string file = CopyOf(Models.Tiny, "model.gguf");
        RegistryEntry entry = Burn(store, file).Entry;
        using (RegistryWriter writer = store.BeginWrite())
            writer.Put(writer.Find("m")!.Value, entry with { SourceIdentity = 0 });
        Assert.Null(store.Find(file, RomProfile.Fast, plain: false));
        Assert.Equal(entry.RomId, store.FindContents(file, RomProfile.Fast, plain: false, CancellationToken.None)!.Value.RomId);
        Assert.Null(store.FindContents(Other, RomProfile.Fast, plain: false, CancellationToken.None));
        Assert.Throws<OperationCanceledException>(
            () => store.FindContents(file, RomProfile.Fast, plain: false, new CancellationToken(canceled: true)));
        Assert.False(Burn(store, file).Burned);
        Assert.NotNull(store.Find(file, RomProfile.Fast, plain: false));
    }

    [Fact]
    public void Several_files_are_one_source()
    {
        string[] parts = [.. Enumerable.Range(0, 3).Select(i => CopyOf(Models.Tiny, $"part-{i}"))];
        RomSource source = RomSource.Of(parts);
        Assert.Equal((parts[0], 3 * new FileInfo(Models.Tiny).Length), (source.Path, source.Bytes));
        Assert.Equal(RomSource.Of(parts[0]).Key, source.Key);
        Assert.Equal(source, RomSource.Of(parts));
        Assert.NotEqual(source, RomSource.Of(parts[0], parts[2], parts[1]));
        Assert.NotEqual(source, RomSource.Of(parts[0], parts[1]));
        long bytes = new FileInfo(parts[2]).Length;
        using (FileStream stream = new(parts[2], FileMode.Open))
            stream.SetLength(bytes - 1);
        Assert.NotEqual(source.Identity, RomSource.Of(parts).Identity);
    }

    /// <summary>Blocks that are sampled differ where two files differ at all but in a few blocks between.</summary>
    [Fact]
    public void First_last_and_some_blocks_between_are_looked_at()
    {
        string file = CopyOf(Models.Small, "model.gguf");
        long length = new FileInfo(file).Length;
        UInt128 before = RomSource.Of(file).Identity;
        for (int i = 0; i < 8; i++)
        {
            using (FileStream stream = new(file, FileMode.Open))
            {
                stream.Position = (length - 4096) * i / 7;
                stream.WriteByte(0xA5);
            }

            UInt128 after = RomSource.Of(file).Identity;
            Assert.NotEqual(before, after);
            before = after;
        }
    }

    [Fact]
    public void What_is_no_readable_file_is_said_clearly()
    {
        string pipe = Path.Combine(Space, "pipe");
        Assert.Equal(0, VAI.TestPeer.Libc.mkfifo(pipe, 0x180));
        foreach (string path in (string[])[pipe, Space, Path.Combine(Space, "none"), ""])
            Throws<VaiUsageException>(VaiError.FileNotFound, "no such file", () => RomSource.Of(path));
    }
}
