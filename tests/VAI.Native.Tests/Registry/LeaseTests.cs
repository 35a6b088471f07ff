using System.Globalization;
using VAI.Native.Registry.Leases;
using static VAI.Native.Tests.Registry.RomDirectory;

namespace VAI.Native.Tests.Registry;

public sealed class LeaseTests : IDisposable
{
    private readonly RomDirectory _directory = new();
    private readonly RomRegistry _registry;
    private readonly LeaseTable _table;

    public LeaseTests()
    {
        _registry = RomRegistry.Open(_directory.FullName);
        _table = LeaseTable.Open(_directory.FullName);
    }

    public void Dispose()
    {
        _table.Dispose();
        _registry.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Leases_of_living_processes_count()
    {
        using LeaseTable reader = LeaseTable.TryOpen(_directory.FullName)!;
        using var first = Peer(digest: 1, tokens: 10);
        using var second = Peer(digest: 1, tokens: 20);
        Assert.NotEqual(await first.ReadLineAsync(), await second.ReadLineAsync());
        using LeaseTally own = _table.Take(Digest(1), LeaseTable.KeyOf("mine"));
        using LeaseTally other = _table.Take(Digest(2));
        own.AddTokens(100);
        Assert.Equal((3, 130), reader.Count(Digest(1)));
        Assert.Equal((1, 0), reader.Count(Digest(2)));
        Assert.Equal((0, 0), reader.Count(Digest(3)));
        Assert.Equal(Environment.ProcessId, Assert.Single(reader.ReadAll(), l => l.NameKey == LeaseTable.KeyOf("mine")).Owner.Pid);
        Assert.Equal(
            new[] { first.Id, second.Id, Environment.ProcessId, Environment.ProcessId }.Order(),
            reader.ReadAll().Select(l => l.Owner.Pid).Order());
        Assert.All(reader.ReadAll(), l => Assert.True(l.IsLive && l.Owner.IsAlive));

        await first.KillAsync();
        Assert.Equal((2, 130), reader.Count(Digest(1)));
        Assert.Equal(0, await second.EndAsync());
        Assert.Equal((1, 130), reader.Count(Digest(1)));
        own.Dispose();
        Assert.Equal((0, 130), reader.Count(Digest(1)));
    }

    [Fact]
    public async Task Tokens_are_added_exactly_once()
    {
        using (RegistryWriter writer = Write(_registry))
        {
            writer.Put(writer.SlotAt(5), Entry("one"));
            writer.Put(writer.SlotAt(6), Entry("the same"));
        }

        using var peer = Peer(digest: 1, tokens: 30);
        await peer.ReadLineAsync();
        using LeaseTally living = _table.Take(Digest(1));
        living.AddTokens(5);
        using (LeaseTally ended = _table.Take(Digest(1)))
            ended.AddTokens(7);
        using (LeaseTally orphan = _table.Take(Digest(9)))
            orphan.AddTokens(1000);
        Sweep();
        Assert.Equal((7, 0), Served());
        Assert.Equal((2, 35), _table.Count(Digest(1)));

        await peer.KillAsync();
        Assert.Equal((1, 35), _table.Count(Digest(1)));
        Sweep();
        Sweep();
        Assert.Equal((37, 0), Served());
        Assert.Equal((1, 5), _table.Count(Digest(1)));
        Assert.Single(_table.ReadAll());
    }

    /// <summary>The instant between the commit of a dead lease's tokens and the freeing of its record.</summary>
    [Fact]
    public void A_sweep_that_was_killed_is_finished_by_the_next()
    {
        using (LeaseTally first = _table.Take(Digest(1)))
        {
            using LeaseTally second = _table.Take(Digest(1));
            first.AddTokens(7);
            second.AddTokens(5);
        }

        // Committed by the killed sweep: the second's, so that the next meets the first before it.
        using (RegistryWriter writer = Write(_registry))
        {
            ulong id = BitConverter.ToUInt64(File.ReadAllBytes(_directory.LeaseFile), LeaseLayout.HeaderBytes + LeaseLayout.RecordBytes);
            writer.Put(writer.SlotAt(5), Entry("one") with { TokensServed = 5, FoldedLease = id });
        }

        Sweep();
        Assert.Equal(12, Served().First);
        Assert.Empty(_table.ReadAll());
    }

    [Fact]
    public async Task Devices_are_said_while_their_process_lives_however_it_ends()
    {
        using LeaseTable reader = LeaseTable.TryOpen(_directory.FullName)!;
        using var ended = Peer(digest: 1, tokens: 10, "CUDA0", "CUDA3");
        using var killed = Peer(digest: 1, tokens: 20, "Vulkan1");
        await ended.ReadLineAsync();
        await killed.ReadLineAsync();
        using LeaseTally own = _table.Take(Digest(1));
        Assert.Equal([(ended.Id, "CUDA0, CUDA3"), (killed.Id, "Vulkan1"), (Environment.ProcessId, "")], Live());
        own.SetDevices(DeviceSet.Of(["ROCm0"]));
        await killed.KillAsync();
        Assert.Equal([(ended.Id, "CUDA0, CUDA3"), (Environment.ProcessId, "ROCm0")], Live());
        Assert.Equal(ExitCodes.Done, await ended.EndAsync());
        own.SetDevices(default);
        Assert.Equal([(Environment.ProcessId, "")], Live());

        // Their tokens are not counted yet, and who takes their records has none of their devices.
        Assert.Equal((1, 30), reader.Count(Digest(1)));
        Sweep();
        using LeaseTally next = _table.Take(Digest(2));
        Assert.All(reader.ReadAll(), l => Assert.True(l.Devices.IsEmpty));
        own.Dispose();
        Assert.Throws<ObjectDisposedException>(() => own.SetDevices(default));

        IEnumerable<(int, string)> Live() =>
            reader.ReadAll().Where(l => l.IsLive).OrderBy(l => l.Owner.Pid == Environment.ProcessId).ThenBy(l => l.Devices.Bits)
                .Select(l => (l.Owner.Pid, $"{l.Devices}"));
    }

    [Fact]
    public void A_lease_outlives_its_table_and_not_its_disposal()
    {
        var table = LeaseTable.Open(_directory.FullName);
        LeaseTally lease = table.Take(Digest(1));
        table.Dispose();
        lease.AddTokens(3);
        Assert.Equal((1, 3), _table.Count(Digest(1)));
        lease.Dispose();
        lease.Dispose();
        Assert.Throws<ObjectDisposedException>(() => lease.AddTokens(1));
        Assert.Throws<ObjectDisposedException>(() => table.Take(Digest(1)));
    }

    [Fact]
    public void Counting_allocates_nothing_and_loses_nothing()
    {
        using LeaseTally lease = _table.Take(Digest(1));
        lease.AddTokens(1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            lease.AddTokens(1);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Parallel.For(0, 10_000, _ => lease.AddTokens(1));
        Assert.Equal(11_001, lease.Tokens);
    }

    [Fact]
    public void A_full_table_says_so_and_a_lease_without_tokens_leaves_nothing()
    {
        using LeaseTable reader = LeaseTable.TryOpen(_directory.FullName)!;
        Assert.Equal(VaiError.NotSupported, Assert.Throws<VaiUsageException>(() => reader.Take(Digest(1))).Code);
        var leases = new List<LeaseTally>();
        for (int i = 0; i < _table.Capacity; i++)
            leases.Add(_table.Take(Digest(1)));
        Assert.Equal(VaiError.RegistryFull, Assert.Throws<VaiEngineException>(() => _table.Take(Digest(1))).Code);
        leases[77].Dispose();
        Assert.Equal(77, (leases[77] = _table.Take(Digest(2))).Index);
        leases.ForEach(l => l.Dispose());
        Assert.Empty(reader.ReadAll());
    }

    private PeerProcess Peer(byte digest, int tokens, params string[] devices) => PeerProcess.Start(
        ["lease", _directory.FullName, Convert.ToHexString(Digest(digest)), tokens.ToString(CultureInfo.InvariantCulture), .. devices]);

    private void Sweep()
    {
        using RegistryWriter writer = Write(_registry);
        _table.Sweep(writer);
    }

    // The totals of the two entries of one ROM.
    private (long First, long Second) Served() =>
        (_registry.TryRead(5, out RegistryEntry first) ? first.TokensServed : -1, _registry.TryRead(6, out RegistryEntry second) ? second.TokensServed : -1);
}
