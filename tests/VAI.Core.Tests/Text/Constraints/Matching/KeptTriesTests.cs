using VAI.Native.Llama;
using VAI.Native.Rom;
using VAI.Residency;
using VAI.Text.Constraints;
using VAI.Text.Constraints.Matching;

namespace VAI.Core.Tests.Text.Constraints.Matching;

/// <summary>The first process that needs them leaves a vocabulary's trees beside its ROM; the next reads them, and finds the same masks.</summary>
public sealed class KeptTriesTests(ForgedModels models) : EngineTest(models)
{
    private static readonly Constraint Schema = Constraint.JsonSchema("""{"type":"object","properties":{"a":{"type":"string"},"b":{"enum":["x","\n"]}}}""");

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-gemma3")]
    public async Task Trees_that_were_kept_are_those_that_were_built(string shape)
    {
        string roms = Models.NewRomDirectory();
        ulong[][] built = await MasksAsync(shape, roms, kept: false);
        Assert.Equal(built, await MasksAsync(shape, roms, kept: true));

        // Without a ROM there is nothing to keep them beside.
        await using IVai vai = Vai.Create(o => o.AddModel("m", Models[shape], m => m.Profile = RomProfile.None));
        Assert.False(Tries(vai.Select(await vai.LoadAsync("m"))).WereKept);
    }

    [Fact]
    public async Task What_is_no_tree_is_built_again()
    {
        string roms = Models.NewRomDirectory();
        ulong[][] built = await MasksAsync("tiny", roms, kept: false);
        string image = Assert.Single(Directory.GetFiles(roms, "*" + RomDirectory.ImageSuffix));
        using (var rom = RomFile.Open(image))
        {
            File.Delete(RomDirectory.VocabularyPath(image));
            Assert.True(RomVocabulary.Leave(rom, 1, new byte[64]));
        }

        Assert.Equal(built, await MasksAsync("tiny", roms, kept: false));
    }

    private async Task<ulong[][]> MasksAsync(string shape, string roms, bool kept)
    {
        await using IVai vai = Vai.Create(o =>
        {
            o.RomDirectory = roms;
            o.AddModel("m", Models[shape]);
        });
        IModelContext model = vai.Select(await vai.LoadAsync("m"));
        LlamaVocab vocab = ((ModelContext)model).Model.Vocab;
        MaskedMatcher matcher = CompiledConstraint.Of(Schema).Take(vocab);
        Assert.Equal(kept, Tries(model).WereKept);
        var masks = new List<ulong[]>();
        MatchState at = matcher.Matcher.Start;
        foreach (byte next in "{\"a\":\"é b\",\"b\":\""u8)
        {
            masks.Add([.. matcher.Mask(at)]);
            at = matcher.Matcher[matcher.Matcher.StepId(at, next)];
        }

        return [.. masks];
    }

    private static VocabularyTries Tries(IModelContext model) => VocabularyTries.Of(((ModelContext)model).Model.Vocab);
}
