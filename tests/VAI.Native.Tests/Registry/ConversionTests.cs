using VAI.Native.Registry.Leases;
using static VAI.Native.Tests.Registry.RomDirectory;

namespace VAI.Native.Tests.Registry;

/// <summary>Tables of the layout before: converted when nobody uses them, refused until then, and never called damaged.</summary>
public sealed class ConversionTests : IDisposable
{
    private const uint Older = 1;

    private readonly RomDirectory _directory = new();

    public ConversionTests()
    {
        using var registry = RomRegistry.Open(_directory.FullName);
        using RegistryWriter writer = Write(registry);
        writer.Add(Entry("one"));
        writer.Add(Entry("two", digest: 2) with { TokensServed = 100 });
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void An_older_registry_is_converted_with_what_it_holds()
    {
        using (var leases = LeaseTable.Open(_directory.FullName))
        {
            using LeaseTally ended = leases.Take(Digest(2));
            ended.AddTokens(11);
        }

        Age();
        Assert.Equal(VaiError.RegistryTooOld, Assert.Throws<VaiEngineException>(() => RomRegistry.TryOpen(_directory.FullName)).Code);
        using (var converted = RomRegistry.Open(_directory.FullName))
        {
            Assert.Equal([("one", 0L), ("two", 111)], converted.ReadAll().Select(e => (e.Entry.Name, e.Entry.TokensServed)));
            Assert.All(converted.ReadAll(), e => Assert.True(e.Entry.SourceIdentity == 0));
        }

        using (LeaseTable leases = LeaseTable.Open(_directory.FullName))
            Assert.Empty(leases.ReadAll());
        using var again = RomRegistry.OpenRepaired(_directory.FullName, 0x180);
        Assert.Equal(2, again.ReadAll().Count);
        Assert.DoesNotContain(Directory.GetFiles(_directory.FullName), f => f.EndsWith(".damaged", StringComparison.Ordinal));
    }

    [Fact]
    public async Task While_a_process_of_the_older_vai_holds_a_lease_it_is_refused()
    {
        using var peer = PeerProcess.Start("lease", _directory.FullName, Convert.ToHexString(Digest(1)), "5");
        await peer.ReadLineAsync();
        Age();
        byte[] before = File.ReadAllBytes(_directory.RegistryFile);
        foreach (Func<RomRegistry> open in (Func<RomRegistry>[])
            [() => RomRegistry.Open(_directory.FullName), () => RomRegistry.OpenRepaired(_directory.FullName, 0x180)])
        {
            VaiEngineException refused = Assert.Throws<VaiEngineException>(open);
            Assert.Equal(VaiError.RegistryTooOld, refused.Code);
            Assert.Contains("End them", refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(before[..64], File.ReadAllBytes(_directory.RegistryFile)[..64]);
        Assert.DoesNotContain(Directory.GetFiles(_directory.FullName), f => f.EndsWith(".damaged", StringComparison.Ordinal));

        await peer.KillAsync();
        using var converted = RomRegistry.Open(_directory.FullName);
        Assert.Equal(5, converted.ReadAll()[0].Entry.TokensServed);
    }

    /// <summary>Killed when the older leases were gone and the version was not yet written.</summary>
    [Fact]
    public void A_conversion_that_was_killed_is_finished_by_the_next()
    {
        LeaseTable.Open(_directory.FullName).Dispose();
        Age();
        File.Delete(_directory.LeaseFile);
        using var converted = RomRegistry.Open(_directory.FullName);
        Assert.Equal(2, converted.ReadAll().Count);
    }

    private void Age()
    {
        Patch(_directory.RegistryFile, 8, Older);
        if (File.Exists(_directory.LeaseFile))
            Patch(_directory.LeaseFile, 8, Older);
    }
}
