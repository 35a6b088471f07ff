using System.Runtime.InteropServices;
using VAI.Forge;

namespace VAI.Native.Tests.Rom.Burning;

/// <summary>A model on a ROM computes the same bits as llama.cpp's own load of its file.</summary>
public sealed class SameTokensTests(RomModels models) : RomTest(models)
{
    public static TheoryData<string, ForgeType?, RomProfile> Cases
    {
        get
        {
            var cases = new TheoryData<string, ForgeType?, RomProfile>();
            foreach (string shape in ModelForge.Shapes.Select(s => s.Name).Where(s => s.StartsWith("tiny", StringComparison.Ordinal)))
            {
                foreach (ForgeType? type in new ForgeType?[] { ForgeType.Q4_0, null })
                {
                    cases.Add(shape, type, RomProfile.Fast);
                    cases.Add(shape, type, RomProfile.Exact);
                }
            }

            return cases;
        }
    }

    [Fact]
    public void The_cases_are_every_architecture_that_can_be_forged() =>
        Assert.Equal(
            ModelForge.Shapes.Select(s => s.Architecture).Distinct().Order(),
            Cases.Select(c => ModelForge.Shapes.Single(s => s.Name == (string)c[0]!).Architecture).Distinct().Order());

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_rom_gives_the_tokens_of_llama_cpps_own_load(string shape, ForgeType? type, RomProfile profile)
    {
        string file = Models.Get(shape, type);
        string image = BurnImage(file, profile);
        AttachedModel attached = Attach(image);
        using LlamaModel onRom = attached.Model;
        using var rom = RomFile.Open(image);
        bool packed = rom.Header.Weights == RomWeights.Packed;
        using var own = LlamaModel.Load(file, new LlamaModelSettings { Repack = packed });
        using var alike = LlamaModel.Load(file, new LlamaModelSettings { Packing = RomPacking.Find(rom.Header.Packing)! });
        if (shape == "tiny-bert")
        {
            Assert.Equal(GreedyRun.EmbeddingOf(own), GreedyRun.EmbeddingOf(onRom));
            Assert.Equal(GreedyRun.EmbeddingOf(alike), GreedyRun.EmbeddingOf(onRom));
        }
        else
        {
            // Tied embeddings are packed, as llama.cpp by itself packs a copy of them, which no list of tensors asks it for.
            Assert.Equal(Tokens(GreedyRun.Of(own)), Tokens(GreedyRun.Of(onRom)));
            Assert.Equal(GreedyRun.Of(rom.Header.Tied is null ? alike : own), GreedyRun.Of(onRom));
        }

        Assert.Equal(packed, attached.Mapping is not null);
        Assert.Equal(profile, rom.Header.Profile);
        rom.Verify(null, CancellationToken.None);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Weights_are_packed_where_the_kernels_want_it_and_the_profile_allows(string shape, ForgeType? type, RomProfile profile)
    {
        using var rom = RomFile.Open(BurnImage(Models.Get(shape, type), profile));
        RomHeader header = rom.Header;

        // Q4_0 has a layout of its own on every CPU, Q8_0 on some that are not x86.
        if (profile == RomProfile.Fast && (type == ForgeType.Q4_0 || RuntimeInformation.ProcessArchitecture != Architecture.X64))
        {
            Assert.True(header is { Weights: RomWeights.Packed, Note: "", Sections.Count: > 1, Packing.Count: > 0 }, $"{header}");
            Assert.Contains(header.Sections, s => s.BufferType == header.Packing[0].BufferType);
        }
        else
        {
            Assert.True(header is { Weights: RomWeights.Plain, Sections.Count: 0, Packing.Count: 0 }, $"{header}");
            Assert.Equal(profile == RomProfile.Fast ? "this CPU's kernels pack none of its weights" : "", header.Note);
        }
    }

    [Fact]
    public void A_large_model_gives_the_same_tokens_packed_and_plain()
    {
        using var packing = LlamaModel.Load(Models.Small, new LlamaModelSettings { Repack = true });
        using LlamaModel packed = Attach(BurnImage(Models.Small)).Model;
        Assert.Equal(GreedyRun.Of(packing), GreedyRun.Of(packed));
        using var mapping = LlamaModel.Load(Models.Small, new LlamaModelSettings());
        using LlamaModel plain = Attach(BurnImage(Models.Small, RomProfile.Exact)).Model;
        Assert.Equal(GreedyRun.Of(mapping), GreedyRun.Of(plain));
    }

    /// <summary>What the comparisons above rest on: other weights give another answer.</summary>
    [Fact]
    public void Other_weights_give_other_tokens()
    {
        using var one = LlamaModel.Load(Models.Tiny, new LlamaModelSettings());
        using var two = LlamaModel.Load(Models.Get("tiny", ForgeType.Q4_0, seed: 2), new LlamaModelSettings());
        Assert.Equal(GreedyRun.Of(one), GreedyRun.Of(one));
        Assert.NotEqual(Tokens(GreedyRun.Of(one)), Tokens(GreedyRun.Of(two)));
    }

    private static string Tokens(string run) => run.Split('#')[0];
}
