namespace VAI.Gpu.Tests;

/// <summary>
/// Computes what the other tests compute, so that the driver has compiled it. Mesa's llvmpipe (22.3) ends a process that has compiled more than some number of
/// instructions (a null pointer, where it wants to let go of older ones), and keeps on disk what it has: run again and again it comes to the end, and what comes from
/// the disk is not counted. So <c>.ci/run</c> does, a process for each class.
/// </summary>
public sealed class ShaderTests(ForgedModels models) : GpuTest(models)
{
    [Theory]
    [InlineData(RomProfile.Fast)]
    [InlineData(RomProfile.Exact)]
    public async Task Every_kind_of_step_is_computed(RomProfile profile)
    {
        await using IVai vai = NewEngine();
        ModelOptions options = Model("m");
        options.Profile = profile;
        IModelContext model = await LoadAsync(vai, options);
        foreach (int words in (int[])[1, 3, 8, 20, 40, 60])
            Assert.NotEmpty(await AnswerAsync(model, string.Join(' ', Enumerable.Repeat("add", words)), 2));
        for (int streams = 2; streams <= 4; streams++)
            Assert.Equal(streams, (await Task.WhenAll(Enumerable.Range(0, streams).Select(i => AnswerAsync(model, $"{Prompt} {i}", 16)))).Length);
    }
}
