namespace VAI.Core.Tests.Residency.Devices;

/// <summary>Options that ask for a GPU where there is none.</summary>
public sealed class NoGpuTests(ForgedModels models) : EngineTest(models)
{
    /// <summary>Every one that there is, is none; that it is so is said.</summary>
    [Theory]
    [InlineData(null, -1)]
    [InlineData(null, 7)]
    [InlineData("gpu", null)]
    [InlineData("GPU", 3)]
    public async Task The_CPU_computes_what_was_to_go_to_any_GPU_and_the_log_says_it(string? device, int? layers)
    {
        var log = new RecordingLoggerProvider();
        await using IVai vai = Vai.Create(new VaiOptions { Threads = 1, RomDirectory = Models.Roms }, new RecordingLoggerFactory(log));
        ModelOptions options = Options(device, layers);
        MemoryPlan plan = await vai.PlanAsync(options);
        Assert.Equal((0, 0L), (plan.GpuLayers, plan.WeightBytes));
        Assert.Empty(plan.Rooms);
        IModelContext model = vai.Select(await vai.LoadAsync(options));
        Assert.False(model.OnGpu);
        Assert.Contains(log.Entries, e => e.Id == 203 && e.Text.StartsWith("m asks for a GPU, and is computed by the CPU alone", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("cpu", null)]
    [InlineData("CPU", 0)]
    [InlineData(null, null)]
    [InlineData(null, 0)]
    public async Task Who_asks_for_none_is_told_nothing(string? device, int? layers)
    {
        var log = new RecordingLoggerProvider();
        await using IVai vai = Vai.Create(new VaiOptions { Threads = 1, RomDirectory = Models.Roms }, new RecordingLoggerFactory(log));
        Assert.False(vai.Select(await vai.LoadAsync(Options(device, layers))).OnGpu);
        Assert.DoesNotContain(log.Entries, e => e.Id == 203);
    }

    [Theory]
    [InlineData("Vulkan0", null, "names the device 'Vulkan0', which llama.cpp does not show here. There are: cpu.")]
    [InlineData("cpu", 2, "is to be computed by the CPU, but 2 of its layers by a GPU")]
    public async Task A_device_that_is_not_there_is_an_error(string device, int? layers, string said)
    {
        await using IVai vai = Vai.Create(new VaiOptions { Threads = 1, RomDirectory = Models.Roms });
        Assert.Contains(
            said, (await ThrowsAsync<VaiUsageException>(VaiError.InvalidOption, () => vai.LoadAsync(Options(device, layers)).AsTask())).Message, StringComparison.Ordinal);
    }

    private ModelOptions Options(string? device, int? layers) =>
        new() { Name = "m", File = Models["tiny"], Devices = device is null ? null : [device], GpuLayers = layers };
}
