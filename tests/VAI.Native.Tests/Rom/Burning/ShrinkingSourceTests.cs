using VAI.Forge;
using VAI.Native.Source;
using Xunit.Abstractions;

namespace VAI.Native.Tests.Rom.Burning;

/// <summary>Sources that are written to while they are burned, and what a burn leaves in the page cache.</summary>
public sealed class ShrinkingSourceTests(RomModels models, ITestOutputHelper output) : RomTest(models)
{
    public static TheoryData<RomBurnPhase, RomProfile> Moments => new()
    {
        { RomBurnPhase.Digesting, RomProfile.Fast },
        { RomBurnPhase.Filling, RomProfile.Fast },
        { RomBurnPhase.Digesting, RomProfile.Exact },
        { RomBurnPhase.Filling, RomProfile.Exact },
        { RomBurnPhase.Sealing, RomProfile.Exact },
    };

    [Theory]
    [MemberData(nameof(Moments))]
    public void A_file_that_is_shortened_while_it_is_burned_is_an_error_and_leaves_nothing(RomBurnPhase phase, RomProfile profile)
    {
        using RomStore store = OpenStore();
        string file = CopyOf(Models.Small, "shrinking.gguf");
        VaiUsageException error = Throws<VaiUsageException>(
            VaiError.FileNotReadable, "shrinking.gguf: the file (ended at byte|was changed while)", () => BurnWith(store, file, profile, phase, () => Cut(file)));
        output.WriteLine(error.Message);
        File.Delete(file);
        AssertNothingLeft();
    }

    [Fact]
    public void A_part_that_is_shortened_while_it_is_burned_is_an_error()
    {
        using RomStore store = OpenStore();
        string first = Split("shrinking"), second = SplitName.Of(first)!.Value.PathOf(2);
        Throws<VaiUsageException>(
            VaiError.FileNotReadable, "shrinking-0000[12]-of-00003.gguf: the file (ended at byte|was changed while)", () => BurnWith(store, first, RomProfile.Exact, RomBurnPhase.Filling, () => Cut(second)));
        Throws<VaiModelException>(VaiError.MalformedModel, "shrinking-00002-of-00003.gguf: tensor", () => Burn(store, first));
    }

    [Fact]
    public void A_file_whose_bytes_change_under_their_old_time_is_not_burned_plain()
    {
        using RomStore store = OpenStore();
        string file = CopyOf(Models.Tiny, "changing.gguf");
        DateTime written = File.GetLastWriteTimeUtc(file);
        Throws<VaiUsageException>(VaiError.FileNotReadable, "was changed while it was burned", () => BurnWith(store, file, RomProfile.Exact, RomBurnPhase.Filling, () =>
        {
            using (FileStream stream = File.OpenWrite(file))
            {
                stream.Position = stream.Length - 100;
                stream.Write(new byte[64]);
            }

            File.SetLastWriteTimeUtc(file, written);
        }));
        File.Delete(file);
        AssertNothingLeft();
    }

    [Fact]
    public void Whole_and_in_parts_a_model_is_the_same_bytes()
    {
        string first = Split("same");
        using var whole = ModelSource.Open(Models.Get("tiny", ForgeType.Q4_0));
        using var parts = ModelSource.Open(first);
        Assert.Equal((1, 3), (whole.Parts, parts.Parts));
        Assert.Equal(whole.Length, parts.Length);
        Assert.Equal(whole.Header.Head.ToArray(), parts.Header.Head.ToArray());
        Assert.Equal(whole.Header.Tensors, parts.Header.Tensors);
        Assert.Equal(whole.Digest(null, CancellationToken.None), parts.Digest(null, CancellationToken.None));

        // Read in any pieces, over the edges of parts and tensors.
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        byte[] a = new byte[100_000], b = new byte[100_000];
        for (int i = 0; i < 200; i++)
        {
            long at = random.NextInt64(whole.Length);
            int bytes = (int)Math.Min(random.Next(1, a.Length), whole.Length - at);
            whole.Read(at, a.AsSpan(0, bytes));
            parts.Read(at, b.AsSpan(0, bytes));
            Assert.True(a.AsSpan(0, bytes).SequenceEqual(b.AsSpan(0, bytes)));
        }
    }

    // On a disk, where the build is: pages of a file in memory are not given back. The figures are printed.
    [Theory]
    [InlineData(RomProfile.Fast)]
    [InlineData(RomProfile.Exact)]
    public void A_burn_leaves_nothing_of_its_source_in_the_page_cache(RomProfile profile)
    {
        string file = Path.Combine(AppContext.BaseDirectory, $"vai-cache-{Guid.NewGuid():n}.gguf");
        try
        {
            using (FileStream from = File.OpenRead(Models.Small), to = File.Create(file))
            {
                from.CopyTo(to);
                to.Flush(flushToDisk: true);
            }

            long before = PageCache.BytesOf(file);
            using RomStore store = OpenStore();
            RegistryEntry entry = Burn(store, file, profile: profile).Entry;
            long after = PageCache.BytesOf(file);
            output.WriteLine($"{profile}: source {new FileInfo(file).Length >> 10} KiB, image {entry.Bytes >> 10} KiB, source in the page cache before {before >> 10} KiB, after {after >> 10} KiB");
            Assert.True(after < before, $"{after} bytes of the source are in the page cache, {before} were before");
        }
        finally
        {
            File.Delete(file);
        }
    }

    private string Split(string name)
    {
        ModelForge.ForgeAsync("tiny", Path.Combine(Space, name + ".gguf"), new ForgeOptions { Type = ForgeType.Q4_0, Parts = 3 }).GetAwaiter().GetResult();
        return Path.Combine(Space, name + "-00001-of-00003.gguf");
    }

    private static void Cut(string file)
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        stream.SetLength(stream.Length / 2);
    }

    private static void BurnWith(RomStore store, string file, RomProfile profile, RomBurnPhase phase, Action deed)
    {
        bool done = false;
        store.Burn(new RomBurnRequest(file, "m", profile, Deadline), rename: false, Report, CancellationToken.None);

        void Report(RomBurnProgress p)
        {
            if (done || p.Phase != phase)
                return;
            done = true;
            deed();
        }
    }
}
