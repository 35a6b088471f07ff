using System.Globalization;
using VAI.Forge;

namespace VAI.Native.Tests.Rom.Burning;

/// <summary>Tied embeddings are in a ROM once, packed, and everything is computed as if llama.cpp had both of its copies.</summary>
public sealed class TiedTests(RomModels models) : RomTest(models)
{
    public static TheoryData<string, ForgeType> Cases => new()
    {
        { "tiny", ForgeType.Q4_0 },
        { "tiny", ForgeType.Q4_K },
        { "tiny-qwen2", ForgeType.Q4_0 },
        { "tiny-qwen2", ForgeType.Q4_K },
        { "tiny-gemma3", ForgeType.Q4_0 },
        { "small", ForgeType.Q4_0 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Tokens_and_logits_are_those_of_llama_cpps_own_load(string shape, ForgeType type)
    {
        string file = TiedModels.Get(Models, shape, type);
        string image = BurnImage(file);
        using var rom = RomFile.Open(image);
        Assert.Equal(("", RomWeights.Packed), (rom.Header.Note, rom.Header.Weights));
        Assert.True(rom.Header.Tied is { IsValid: true }, $"{rom.Header}");
        rom.Verify(null, CancellationToken.None);
        using var own = LlamaModel.Load(file, new LlamaModelSettings { Repack = true });
        string said = GreedyRun.Of(own);
        using (LlamaModel attached = Attach(image).Model)
        using (LlamaModel again = Attach(image).Model)
        {
            Assert.NotNull(attached.Rows);
            Assert.Equal(said, GreedyRun.Of(attached));
            Assert.Equal(said, GreedyRun.Of(again));
        }

        // The plain image stays llama.cpp's own business.
        using LlamaModel exact = Attach(BurnImage(file, RomProfile.Exact)).Model;
        Assert.Null(exact.Rows);
        using var plain = LlamaModel.Load(file, new LlamaModelSettings());
        Assert.Equal(GreedyRun.Of(plain), GreedyRun.Of(exact));
    }

    [Fact]
    public void Neither_the_image_nor_a_process_has_the_embeddings_twice()
    {
        string file = TiedModels.Get(Models, "small", ForgeType.Q4_0);
        long bytes;
        using (var model = GgufFile.Open(file))
            bytes = model.Tensors.Single(t => t.Name == TiedOutput.Embeddings).Bytes;
        string image = BurnImage(file);
        long length = new FileInfo(image).Length;
        Assert.InRange(length, 1, new FileInfo(file).Length * 1.01);
        using (var rom = RomFile.Open(image))
        {
            Assert.InRange(rom.Header.Sections.Sum(s => s.HoleBytes), bytes - (2 * RomLayout.Page), bytes);
            Assert.True(rom.Header.Tied is { Type: GgmlType.Q4_0, RowLength: 768, Rows: 32_000, Scale: 1 }, $"{rom.Header.Tied}");
        }

        // Once before, for what the first use of anything leaves behind.
        GreedyRun.Of(Attached());
        long before = AnonymousBytes();
        AttachedModel attached = Attach(image);
        using LlamaModel onRom = attached.Model;
        attached.Mapping!.WaitForPrefault();
        string said = GreedyRun.Of(onRom);
        Assert.InRange(AnonymousBytes() - before, long.MinValue, bytes * 3 / 4);
        Assert.Equal(length, attached.Mapping.SharedBytes);
        Assert.Equal(said, GreedyRun.Of(onRom));

        LlamaModel Attached() => Attach(image).Model;
    }

    [Fact]
    public async Task Three_processes_at_once_say_the_same()
    {
        string file = TiedModels.Get(Models, "small", ForgeType.Q4_0);
        BurnImage(file);
        using var own = LlamaModel.Load(file, new LlamaModelSettings { Repack = true });
        string tokens = GreedyRun.Of(own);
        PeerProcess[] peers = [.. Enumerable.Range(0, 3).Select(_ => PeerProcess.Start("rom-attach", Space, "m"))];
        foreach (PeerProcess peer in peers)
            Assert.EndsWith(tokens, await peer.ReadLineAsync());
        foreach (PeerProcess peer in peers)
        {
            Assert.Equal(ExitCodes.Done, await peer.EndAsync());
            peer.Dispose();
        }
    }

    /// <summary>Of a matrix that gives other bits, or of which no row can be taken, the plain embeddings are kept.</summary>
    [Theory]
    [InlineData("scale", "did not compute the same bits")]
    [InlineData("type", "rows cannot be taken out")]
    public void What_does_not_compute_the_same_falls_back_to_plain_embeddings(string error, string says)
    {
        string file = TiedModels.Get(Models, "tiny-qwen2", ForgeType.Q4_0);
        using RomStore store = OpenStore();
        var burner = new RomBurner(store.Directory, null, CancellationToken.None)
        {
            FindTied = f => RomTied.Find(f) is { } tied ? error == "scale" ? tied with { Scale = 1.5f } : tied with { RowLength = 128 } : null,
        };
        RomBurned burned = burner.Burn(new RomBurnRequest(file, "m", RomProfile.Fast, Deadline));
        Assert.True(burned is { Burned: true, Header: { Tied: null, Weights: RomWeights.Packed } }, $"{burned}");
        Assert.Contains(says, burned.Header.Note);
        Assert.DoesNotContain(burned.Header.Sections, s => s.HoleBytes > 0);
        using var alike = LlamaModel.Load(file, new LlamaModelSettings { Packing = RomPacking.Find(burned.Header.Packing)! });
        using LlamaModel onRom = Attach(store.Directory.ImagePath(burned.Id)).Model;
        Assert.Null(onRom.Rows);
        Assert.Equal(GreedyRun.Of(alike), GreedyRun.Of(onRom));
        Assert.Empty(Directory.GetFiles(Space, "*.burn"));
    }

    /// <summary>Rows are for the tokens that a batch takes, and cost the collector nothing.</summary>
    [Fact]
    public void A_batch_checks_tokens_before_it_looks_them_up_and_allocates_nothing()
    {
        using LlamaModel model = Attach(BurnImage(TiedModels.Get(Models, "tiny-qwen2", ForgeType.Q4_0))).Model;
        using LlamaContext context = GreedyRun.Open(model, embedding: false);
        LlamaBatch batch = context.Batch;
        Assert.Throws<VaiUsageException>(() => batch.Add(-1, 0, 0, true));
        Assert.Throws<VaiUsageException>(() => batch.Add(model.Vocab.Count, 0, 0, true));
        Assert.Equal(0, batch.Count);
        batch.Add(0, 0, 0, logits: false);
        batch.Add(model.Vocab.Count - 1, 1, 0, logits: true);
        Assert.Equal(DecodeStatus.Ok, context.Decode());
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            batch.Clear();
            batch.Add(i, 2, 0, logits: true);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Models_that_need_none_have_none()
    {
        foreach ((string shape, ForgeType? type) in new (string, ForgeType?)[] { ("tiny", ForgeType.Q4_0), ("tiny-bert", ForgeType.Q4_0), ("tiny-qwen2", ForgeType.F16) })
        {
            using var file = GgufFile.Open(Models.Get(shape, type));
            Assert.Null(RomTied.Find(file));
        }
    }

    [Fact]
    public void An_image_whose_header_ties_otherwise_is_refused()
    {
        string image = BurnImage(TiedModels.Get(Models, "tiny-qwen2", ForgeType.Q4_0));
        Rewrite(image, h => h with { Tied = h.Tied! with { Rows = h.Tied.Rows - 8 } });
        Throws<VaiEngineException>(VaiError.RomMismatch, "token embeddings are not those .* Burn it again", () => Attach(image));
        Assert.Empty(MappingsOf(".rom"));

        // Listed twice, the output would end the process.
        image = BurnImage(Models.Tiny);
        Rewrite(image, h => h with { Tied = new TiedOutput(GgmlType.Q4_0, 256, 2048, 1, new PackedLayout(8, 8)) });
        Throws<VaiModelException>(VaiError.InvalidModel, "output matrix of its own", () => Attach(image));
    }

    private static long AnonymousBytes() =>
        long.Parse(
            File.ReadLines("/proc/self/status").Single(l => l.StartsWith("RssAnon:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2],
            CultureInfo.InvariantCulture) << 10;
}
