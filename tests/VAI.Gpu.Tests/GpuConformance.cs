using VAI.Daemon.Tests.Api;

namespace VAI.Gpu.Tests;

/// <summary>An engine whose models are on the device.</summary>
public sealed class GpuConformance(ForgedModels models) : VaiConformance(models)
{
    protected override bool OnGpu => true;

    protected override void Plain(ModelOptions model)
    {
        base.Plain(model);
        (model.Devices, model.GpuLayers) = ([SoftwareDevice.Name], -1);
    }

    protected override Task<Rig> StartAsync(Action<VaiOptions> configure) => Task.FromResult(new Rig(Vai.Create(o =>
    {
        o.Threads = 2;
        o.RomDirectory = Models.Roms;
        configure(o);
    })));
}
