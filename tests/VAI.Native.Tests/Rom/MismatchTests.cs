namespace VAI.Native.Tests.Rom;

/// <summary>Images of another llama.cpp, or of another CPU.</summary>
public sealed class MismatchTests(RomModels models) : RomTest(models)
{
    [Theory]
    [InlineData("build")]
    [InlineData("cpu")]
    public void A_packed_image_of_another_build_or_cpu_is_refused(string what)
    {
        string image = BurnImage(Models.Tiny);
        Rewrite(image, h => what == "build" ? h with { Build = "0.4.2" } : h with { Cpu = "libggml-cpu-alderlake.so (1)" });
        VaiEngineException error = Throws<VaiEngineException>(VaiError.RomMismatch, "'m' was packed by .* this process has .* Burn it again", () => Attach(image));
        Assert.Contains(what == "build" ? "0.4.2" : "alderlake", error.Message);
        Assert.Contains(RomBuild.Current.Build, error.Message);
        using RomStore store = OpenStore();
        RegistryEntry entry = store.Find("m", RomProfile.Fast, plain: false)!.Value;
        Throws<VaiEngineException>(VaiError.RomMismatch, "Burn it again", () => store.Hold(entry, Deadline, CancellationToken.None));
        Assert.Equal(0, store.Users(entry).Leases);

        // Its bytes are still what was burned.
        store.Verify("m", null, CancellationToken.None);
    }

    public static TheoryData<string> Changes => ["packing", "places", "section", "order"];

    [Theory]
    [MemberData(nameof(Changes))]
    public void A_packed_image_whose_layout_is_not_this_llama_cpps_is_refused(string change)
    {
        string image = BurnImage(Models.Tiny);
        Rewrite(image, h => change switch
        {
            "packing" => h with { Packing = [("CPU_OF_TOMORROW", h.Packing[0].Pattern)] },
            "places" => h with { Places = [.. h.Places.Select(b => (byte)~b)] },
            "section" => h with { Sections = [.. h.Sections.Select(s => s with { BufferType = "CPU_OF_TOMORROW" })] },
            _ => h with { Sections = [.. h.Sections.Take(1)] },
        });
        Throws<VaiEngineException>(VaiError.RomMismatch, "'m' cannot be attached: .* Burn it again", () => Attach(image));
        Assert.Empty(MappingsOf(".rom"));
    }

    [Fact]
    public void A_plain_image_goes_with_every_build()
    {
        string image = BurnImage(Models.Tiny, RomProfile.Exact);
        string tokens;
        using (LlamaModel model = Attach(image).Model)
            tokens = GreedyRun.Of(model);
        Rewrite(image, h => h with { Build = "0.4.2", Cpu = "libggml-cpu-alderlake.so (1)" });
        using LlamaModel again = Attach(image).Model;
        Assert.Equal(tokens, GreedyRun.Of(again));
    }

    [Fact]
    public void A_packed_image_of_another_build_is_kept_beside_the_one_of_this()
    {
        string other = BurnImage(Models.Tiny), another = other.Replace(RomDirectory.PackedSuffix, "-packed-00000000");
        Rewrite(other, h => h with { Build = "0.4.2" });
        File.Move(other, another);
        using RomStore store = OpenStore();
        Assert.Null(store.Find(Models.Tiny, RomProfile.Fast, plain: false));
        (RegistryEntry entry, bool burned) = Burn(store, Models.Tiny);
        Assert.True(burned);
        Assert.NotEqual("m", entry.Name);
        Assert.Equal(entry.RomId, store.Find(Models.Tiny, RomProfile.Fast, plain: false)!.Value.RomId);
        Assert.True(File.Exists(another));
    }
}
