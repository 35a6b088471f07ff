using FsCheck.Xunit;
using VAI.Native.Abi;
using VAI.Residency.Devices;

namespace VAI.Core.Tests.Residency.Devices;

/// <summary>What is counted of a device. The CPU stands for one here: it has a name and memory, too.</summary>
public sealed class DeviceLedgerTests
{
    private static readonly NativeDevice Device = NativeLoader.EnsureLoaded().Devices.Single(d => d.Kind == NativeDeviceKind.Cpu);

    [Fact]
    public void What_was_claimed_is_held_until_its_end_and_then_as_it_was_measured()
    {
        var ledger = new DeviceLedger(1000);
        using (DeviceClaim claim = Claim(ledger, 600))
        {
            Assert.Equal((600L, 400L), (ledger.Held(Device.Name), ledger.Room(Device)));
            claim.Settle(Memory(500));
            Assert.Equal((500L, 500L), (ledger.Held(Device.Name), ledger.Room(Device)));
            Claim(ledger, 500).Dispose();
            claim.Dispose();
            claim.Settle(Memory(700));
        }

        Assert.Equal((0L, 1000L), (ledger.Held(Device.Name), ledger.Room(Device)));
    }

    [Fact]
    public void What_has_no_room_is_refused_and_counts_nothing()
    {
        var ledger = new DeviceLedger(1000);
        using DeviceClaim claim = Claim(ledger, 600);
        VaiEngineException error = Assert.Throws<VaiEngineException>(() => Claim(ledger, 401));
        Assert.Equal(VaiError.OutOfMemory, error.Code);
        Assert.StartsWith($"'m' needs 0.0 MiB of {Device.Name}, where models may have", error.Message, StringComparison.Ordinal);
        Assert.Equal(600, ledger.Held(Device.Name));
        Claim(ledger, 400).Dispose();

        // Without a limit the driver's word counts.
        Assert.Throws<VaiEngineException>(() => Claim(new DeviceLedger(null), Device.Memory().Total + 1));
        Assert.Equal(0, new DeviceLedger(0).Room(Device));
    }

    /// <summary>From many threads: never more than the limit, and nothing is left.</summary>
    [Property(MaxTest = 20)]
    public void Claims_never_add_up_to_more_than_the_limit(ushort[] sizes)
    {
        const long Limit = 100_000;
        var ledger = new DeviceLedger(Limit);
        long held = 0;
        Parallel.ForEach(sizes, size =>
        {
            try
            {
                using DeviceClaim claim = Claim(ledger, size);
                Assert.InRange(Interlocked.Add(ref held, size), 0, Limit);
                claim.Settle(size % 2 == 0 ? Memory(size) : null);
                Interlocked.Add(ref held, -size);
            }
            catch (VaiEngineException e)
            {
                Assert.Equal(VaiError.OutOfMemory, e.Code);
            }
        });
        Assert.Equal((0L, Limit), (ledger.Held(Device.Name), ledger.Room(Device)));
    }

    private static DeviceClaim Claim(DeviceLedger ledger, long bytes) => ledger.Claim("m", Memory(bytes), [Device]);

    private static ModelMemory Memory(long bytes) => new()
    {
        RomBytes = 0,
        KvBytes = 0,
        ScratchBytes = 0,
        OutputBytes = 0,
        Devices = [new DeviceMemory(Device.Name, OnHost: false, bytes / 3, bytes / 3, bytes - (2 * (bytes / 3)))],
        ContextLength = 1,
        SramTokens = 1,
        Sessions = 1,
        Cells = 1,
        StepRows = 1,
    };
}
