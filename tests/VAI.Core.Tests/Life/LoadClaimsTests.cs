using Microsoft.Extensions.Logging.Abstractions;
using VAI.Native.Llama;
using VAI.Pipeline;
using VAI.Residency;
using VAI.Residency.Devices;
using VAI.Sram;

namespace VAI.Core.Tests.Life;

/// <summary>What a load takes of the machine's memory, and gives back.</summary>
public sealed class LoadClaimsTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public async Task A_load_that_its_last_report_ends_claims_nothing()
    {
        var claims = new MemoryClaims(() => 0);
        using var pool = new LlamaThreadpool(1);
        await using var pipeline = new PipelineThread(compute: null);
        using var roms = new RomLoader(Models.Roms, TimeSpan.Zero, NullLogger.Instance);
        var devices = new DeviceLedger(null);
        using var loader = new ModelLoader(pipeline, pool, roms, new Planner(Models.Roms, 1, devices), devices, new ParkingLot(0), null, 1, claims: claims);
        var options = new ModelOptions { Name = "m", File = Models["tiny"], Profile = RomProfile.None };
        foreach (LoadPhase phase in (LoadPhase[])[LoadPhase.Checking, LoadPhase.Sram, LoadPhase.Done])
        {
            Assert.Throws<InvalidOperationException>(() => loader.Load(options, new Thrower(phase), default));
            Assert.Equal(0, Claimed());
        }

        using (loader.Load(options, null, default))
            Assert.True(Claimed() > 0);
        Assert.Equal(0, Claimed());

        long Claimed()
        {
            long claimed = -1;
            claims.Claim(bytes => (claimed = bytes, 0L).Item2).Dispose();
            return claimed;
        }
    }

    private sealed class Thrower(LoadPhase at) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            if (value.Phase == at)
                throw new InvalidOperationException();
        }
    }
}
