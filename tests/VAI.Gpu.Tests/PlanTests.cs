using VAI.Native.Abi;
using VAI.Native.Llama;
using VAI.Native.Memory;
using VAI.Native.Source;
using VAI.Residency;
using VAI.Residency.Devices;
using Xunit.Abstractions;

namespace VAI.Gpu.Tests;

/// <summary>What a plan says of the device, against what llama.cpp then has there, and a budget.</summary>
public sealed class PlanTests(ForgedModels models, ITestOutputHelper output) : GpuTest(models)
{
    private const int Threads = 2;
    private const long Budget = 64L << 20;

    [Theory]
    [InlineData("tiny", -1, RomProfile.Fast)]
    [InlineData("tiny", 2, RomProfile.Fast)]
    [InlineData("tiny", -1, RomProfile.Exact)]
    [InlineData("tiny", -1, RomProfile.None)]
    [InlineData("tiny-qwen2", -1, RomProfile.Fast)]
    [InlineData("tiny-qwen3", 1, RomProfile.Fast)]
    [InlineData("tiny-gemma3", -1, RomProfile.Fast)]
    [InlineData("tiny-gemma3", 4, RomProfile.Fast)]
    [InlineData("tiny-qwen3moe", -1, RomProfile.Fast)]
    [InlineData("tiny-bert", -1, RomProfile.Fast)]
    [InlineData("small", -1, RomProfile.Fast)]
    [InlineData("small", 9, RomProfile.Fast)]
    public void A_plan_is_what_llama_says_then_weights_included(string shape, int layers, RomProfile profile)
    {
        // Without a step, which would have the driver compile for each shape.
        var settings = new LlamaModelSettings { Devices = [.. NativeLoader.EnsureLoaded().Gpus], GpuLayers = layers };
        using var source = ModelSource.Open(Models[shape]);
        var info = ModelInfo.From(source.Header);
        ModelOptions options = Geometry.Resolve(DeviceChoice.Resolve(Model("m", shape) with { Profile = profile }, settings), info, Threads);
        DeviceMemory planned = OnDevice(Planner.Measure(source.Header, options, info, settings, Threads, packed: false, 0));
        using var model = LlamaModel.Load(Models[shape], settings);
        using var context = new LlamaContext(model, Geometry.Of(options, info, Threads));
        DeviceMemory found = OnDevice(Footprint.Measured(options, context, 1, 0)!);
        output.WriteLine($"{planned}\n{found}");
        Assert.True(found.WeightBytes > 0);
        Near(found.WeightBytes, planned.WeightBytes);
        Near(found.KvBytes, planned.KvBytes);
        Near(found.ScratchBytes, planned.ScratchBytes);

        // What is logged is rounded to hundredths of MiB.
        static void Near(long expected, long actual) => Assert.InRange(actual, (long)(expected * 0.99) - 5243, (long)(expected * 1.01) + 5243);
    }

    [Fact]
    public async Task What_has_no_room_is_refused_as_often_as_it_is_asked_for_and_others_go_on()
    {
        await using IVai vai = NewEngine(Budget);
        IModelContext here = await LoadAsync(vai, Model("here"));
        List<int> expected = await AnswerAsync(here);
        long held = await HeldAsync(vai);
        Assert.False((await vai.PlanAsync(Model("large", "small"))).DevicesFit);
        await RefusedAsync();
        long before = Memory();
        for (int i = 0; i < 100; i++)
        {
            await RefusedAsync();
            Assert.Equal(held, await HeldAsync(vai));
        }

        long grown = Memory() - before;
        output.WriteLine($"{grown} bytes more");
        Assert.InRange(grown, long.MinValue, 16L << 20);
        Assert.Equal(expected, await AnswerAsync(here));
        Assert.Equal(["here"], vai.Models.Select(m => m.Name));

        async Task RefusedAsync()
        {
            VaiEngineException error = await Assert.ThrowsAsync<VaiEngineException>(() => vai.LoadAsync(Model("large", "small")).AsTask());
            Assert.Equal(VaiError.OutOfMemory, error.Code);
            Assert.Contains(SoftwareDevice.Name, error.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>More than there is in all, with pieces that the device takes and with one that it does not, where llama.cpp would end the process.</summary>
    [Theory]
    [InlineData(1 << 20)]
    [InlineData(1 << 22)]
    public async Task A_bank_that_is_too_large_for_the_device_is_the_same_error(int cells)
    {
        await using IVai vai = NewEngine();
        ModelOptions options = Model("m");
        (options.ContextLength, options.SramTokens) = (2048, cells);
        VaiEngineException error = await Assert.ThrowsAsync<VaiEngineException>(() => vai.LoadAsync(options).AsTask());
        Assert.Equal(VaiError.OutOfMemory, error.Code);
        Assert.Equal(0, await HeldAsync(vai));
        Assert.NotEmpty(await AnswerAsync(await LoadAsync(vai, Model("m"))));
    }

    /// <summary>As many layers as the budget has room for, and one more would be too many.</summary>
    [Fact]
    public async Task Auto_puts_as_many_layers_there_as_fit()
    {
        ModelOptions large = Model("large", "small"), tiny = Model("m");
        large.GpuLayers = tiny.GpuLayers = null;
        await using (IVai vai = NewEngine())
            Assert.Equal(16, (await vai.PlanAsync(large)).GpuLayers);
        await using (IVai vai = NewEngine(2 * Budget))
        {
            MemoryPlan plan = await vai.PlanAsync(large);
            Assert.InRange(plan.GpuLayers, 1, 15);
            Assert.True(plan.DevicesFit);
            Assert.False((await vai.PlanAsync(large with { GpuLayers = plan.GpuLayers + 1 })).DevicesFit);
        }

        long all;
        await using (IVai vai = NewEngine())
            all = OnDevice(await vai.PlanAsync(tiny)).Bytes;
        await using (IVai vai = NewEngine(all - 1))
        {
            IModelContext model = await LoadAsync(vai, tiny);
            Assert.Equal((await vai.PlanAsync(tiny with { GpuLayers = 2 })).WeightBytes, model.Memory!.WeightBytes, 5243d);
            Assert.NotEmpty(await AnswerAsync(model));
        }

        await using IVai none = NewEngine(0);
        Assert.Equal(0, (await none.PlanAsync(tiny)).GpuLayers);
        Assert.False((await LoadAsync(none, tiny)).OnGpu);
    }

    /// <summary>An upload reads the ROM where it lies. The software device's own memory is this process's.</summary>
    [Fact]
    public void An_upload_makes_no_copy_of_the_weights()
    {
        string file = Models["small"];
        var settings = new LlamaModelSettings { Devices = [.. NativeLoader.EnsureLoaded().Gpus], GpuLayers = -1 };
        using (LlamaModel.Load(Models["tiny"], settings))
        {
        }

        long before = Memory(), most = 0;
        using var model = LlamaModel.Load(file, settings, _ => most = Math.Max(most, Memory()));
        long device = model.Places.Buffers[SoftwareDevice.Name], above = most - before - device;
        output.WriteLine($"{above} bytes at most besides the device's {device}");
        Assert.InRange(above, long.MinValue, 32L << 20);
    }

    private static DeviceMemory OnDevice(ModelMemory memory) => memory.Devices.Single(d => d.Device == SoftwareDevice.Name);

    private static async Task<long> HeldAsync(IVai vai) => (await vai.DevicesAsync()).Single(d => d.Name == SoftwareDevice.Name).ModelMemory;

    private static long Memory()
    {
        GC.Collect();
        NativeHeap.Trim();
        return MemoryRoom.AnonymousBytes();
    }
}
