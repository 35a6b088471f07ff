namespace VAI.Gpu.Tests;

/// <summary>Devices by name.</summary>
public sealed class DeviceTests(ForgedModels models) : GpuTest(models)
{
    [Fact]
    public async Task The_device_is_there_with_its_memory_and_what_models_have_of_it()
    {
        await using IVai vai = NewEngine();
        ComputeDevice before = Assert.Single(await vai.DevicesAsync(), d => d.Name == SoftwareDevice.Name);
        Assert.Equal(("Vulkan", false, 0L), (before.Backend, before.IsCpu, before.ModelMemory));
        Assert.InRange(before.FreeMemory, 1, before.TotalMemory);
        Assert.Single(await vai.DevicesAsync(), d => d is { IsCpu: true, ModelMemory: 0 });

        IModelContext model = await LoadAsync(vai, Model("m"));
        Assert.True(model.OnGpu);
        Assert.Equal(Held(model), (await vai.DevicesAsync()).Single(d => d.Name == SoftwareDevice.Name).ModelMemory);
        await vai.UnloadAsync(model.Handle);
        Assert.Equal(0, (await vai.DevicesAsync()).Single(d => d.Name == SoftwareDevice.Name).ModelMemory);
    }

    /// <summary>Its name in any case, with a colon, the word for all of them, and the count alone.</summary>
    [Theory]
    [InlineData("vulkan0", null, true)]
    [InlineData("VULKAN:0", null, true)]
    [InlineData("gpu", null, true)]
    [InlineData(null, -1, true)]
    [InlineData("Vulkan0", 1, true)]
    [InlineData("Vulkan0", 0, false)]
    [InlineData("CPU", null, false)]
    [InlineData(null, null, false)]
    public async Task A_model_goes_where_it_is_said_to(string? device, int? layers, bool onGpu)
    {
        await using IVai vai = NewEngine();
        ModelOptions options = Model("m");
        (options.Devices, options.GpuLayers) = (device is null ? null : [device], layers);
        IModelContext model = await LoadAsync(vai, options);
        Assert.Equal(onGpu, model.OnGpu);
        Assert.Equal(onGpu, model.Memory!.Devices.Any(d => d.Device == SoftwareDevice.Name && d.WeightBytes > 0));
        RomInfo rom = RomCatalog.ReadStatus(Models.Roms).Roms.Single(r => r.Attached > 0);
        Assert.Equal(onGpu ? [SoftwareDevice.Name] : [], rom.OnDevices.SelectMany(h => h.Devices));
        Assert.NotEmpty(await AnswerAsync(model));
    }

    [Theory]
    [InlineData("Vulkan1", null, "names the device 'Vulkan1', which llama.cpp does not show here. There are: cpu, Vulkan0")]
    [InlineData("", null, "names the device ''")]
    [InlineData("Vulkan0 vulkan:0", null, "names a device twice")]
    [InlineData("gpu Vulkan0", null, "names a device twice")]
    [InlineData("cpu Vulkan0", null, "names cpu among other devices")]
    [InlineData("cpu", 3, "is to be computed by the CPU, but 3 of its layers by a GPU")]
    [InlineData("Vulkan0", -2, "GpuLayers -2 is out of range")]
    public async Task What_cannot_be_is_said(string devices, int? layers, string said)
    {
        await using IVai vai = NewEngine();
        ModelOptions options = Model("m");
        (options.Devices, options.GpuLayers) = (devices.Split(' '), layers);
        foreach (Func<Task> attempt in (Func<Task>[])[() => vai.LoadAsync(options).AsTask(), () => vai.PlanAsync(options).AsTask()])
        {
            VaiUsageException error = await Assert.ThrowsAsync<VaiUsageException>(attempt);
            Assert.Equal(VaiError.InvalidOption, error.Code);
            Assert.Contains(said, error.Message, StringComparison.Ordinal);
        }
    }

    private static long Held(IModelContext model) => model.Memory!.Devices.Single(d => d.Device == SoftwareDevice.Name).Bytes;
}
