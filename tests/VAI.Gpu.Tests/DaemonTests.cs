using System.Diagnostics;
using VAI.Daemon.FaultTests;
using VAI.Remote;
using Xunit.Abstractions;

namespace VAI.Gpu.Tests;

/// <summary>The daemon with its models on the device.</summary>
public sealed class DaemonTests(ForgedModels models, ITestOutputHelper output) : GpuTest(models)
{
    private const int Streams = 4;
    private const int Tokens = 48;

    [Fact]
    public async Task Streams_go_on_where_they_were_after_SIGKILL_of_the_engine()
    {
        string roms = Models.NewRomDirectory();
        await using DaemonProcess daemon = DaemonProcess.Start(Models.NewPlace(), SoftwareDevice.Environment,
        [
            "--model", $"a={Models.Model("tiny", 1)}", "--model", $"b={Models.Model("tiny", 2)}", "--profile", "exact", "--ctx", "256", "--sram", "1024",
            "--device", "vulkan:0", "--gpu-layers", "all", "--rom-dir", roms,
        ]);
        Assert.True(await daemon.IsReadyAsync(), daemon.Log);
        await using RemoteVai vai = daemon.Connect();
        Assert.All(vai.Models, m => Assert.True(m.OnGpu));
        Assert.Equal(vai.Models.Sum(Held), await HeldAsync(vai));
        StreamRun[] expected = NewRuns();
        await Task.WhenAll(expected.Select(s => s.RunAsync(vai)));
        await daemon.StandsByAsync();

        using Process worker = await daemon.WorkerAsync();
        StreamRun[] actual = NewRuns();
        long killed = await StreamRun.RunAsync(actual, vai, worker, Streams * Tokens / 2);
        for (int i = 0; i < expected.Length; i++)
            StreamRun.Same(expected[i], actual[i]);
        Assert.Equal(1, (await vai.StatusAsync(default)).WorkerRestarts);
        output.WriteLine($"gaps {string.Join(' ', actual.Select(a => $"{a.GapMs(killed):F0}"))} ms");

        // Nobody's lease says so any more who is dead.
        int engine = (await vai.StatusAsync(default)).WorkerId!.Value;
        Assert.All(RomCatalog.ReadStatus(roms).Roms, r => Assert.DoesNotContain(worker.Id, r.OnDevices.Select(h => h.Pid)));
        Assert.All(RomCatalog.ReadStatus(roms).Roms, r => Assert.Contains(engine, r.OnDevices.Select(h => h.Pid)));
        Assert.Equal(vai.Models.Sum(Held), await HeldAsync(vai));
    }

    /// <summary>A device without room for what the standby warms itself with.</summary>
    [Fact]
    public async Task An_engine_stands_by_where_the_device_is_full()
    {
        await using DaemonProcess daemon = DaemonProcess.Start(Models.NewPlace(), SoftwareDevice.Environment,
            ["--model", $"a={Models.Model("tiny", 1)}", "--gpu-layers", "auto", "--vram", "0", "--rom-dir", Models.NewRomDirectory()]);
        Assert.True(await daemon.IsReadyAsync(), daemon.Log);
        await using RemoteVai vai = daemon.Connect();
        Assert.False(Assert.Single(vai.Models).OnGpu);
        await daemon.StandsByAsync();
    }

    private static StreamRun[] NewRuns() => [.. Enumerable.Range(0, Streams).Select(i => new StreamRun(i % 2 == 0 ? "a" : "b", (uint)i, Tokens))];

    private static long Held(IModelContext model) => model.Memory!.Devices.Single(d => d.Device == SoftwareDevice.Name).Bytes;

    private static async Task<long> HeldAsync(IVai vai) => (await vai.DevicesAsync()).Single(d => d.Name == SoftwareDevice.Name).ModelMemory;
}
