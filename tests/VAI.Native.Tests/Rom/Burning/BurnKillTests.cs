using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace VAI.Native.Tests.Rom.Burning;

/// <summary>Burners killed at random instants.</summary>
/// <remarks>VAI_TEST_KILLS=200 for the full run; VAI_TEST_SEED=n for the instants of seed n again, as far as the machine repeats.</remarks>
public sealed class BurnKillTests(RomModels models, ITestOutputHelper output) : RomTest(models)
{
    private static readonly int Kills = Variable("VAI_TEST_KILLS") ?? 10;
    private static readonly int Seed = Variable("VAI_TEST_SEED") ?? Random.Shared.Next();

    [Fact]
    public async Task A_burner_killed_at_any_instant_leaves_a_whole_image_or_none()
    {
        output.WriteLine($"VAI_TEST_KILLS={Kills} VAI_TEST_SEED={Seed}");
        var random = new Random(Seed);
        var counts = new Counts();
        TimeSpan longest = await MeasureAsync();
        for (int kill = 0; kill < Kills; kill++)
        {
            string space = Path.Combine(Space, $"{kill}");
            using (PeerProcess peer = await StartAsync(space))
            {
                Assert.Equal("burning", await peer.ReadLineAsync());
                await Task.Delay(longest * random.NextDouble());
                await peer.KillAsync();
            }

            // A burn takes tens of milliseconds, or seconds while other processes compute: so that neither lets all kills come
            // too late or too early, the longest delay follows what they met.
            longest *= Judge(space, counts) ? 0.85 : 1.1;
            Directory.Delete(space, recursive: true);
        }

        output.WriteLine(
            $"{Kills} kills, the last within {longest.TotalMilliseconds:f0} ms; {counts.Published} had published; {counts.Partial} partial images can be attached; "
            + $"left until the next open: {counts.BurnFiles} unpublished files, {counts.BurnEntries} entries of burns; left after it: {counts.Leftovers}");
        Assert.Equal((0, 0), (counts.Partial, counts.Leftovers));

        // Kills that all came too early or too late would show nothing.
        Assert.NotEqual(0, counts.BurnFiles);
    }

    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(10);

    // From the line that begins the burn to the one that ends it.
    private async Task<TimeSpan> MeasureAsync()
    {
        string space = Path.Combine(Space, "measure");
        using PeerProcess peer = await StartAsync(space);
        Assert.Equal("burning", await peer.ReadLineAsync());
        long start = Stopwatch.GetTimestamp();
        Assert.EndsWith("True", await peer.ReadLineAsync());
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        await peer.KillAsync();

        // Both lines may be read at once, on a busy machine: what follows it cannot follow nothing.
        return took > Least ? took : Least;
    }

    private async Task<PeerProcess> StartAsync(string space)
    {
        Directory.CreateDirectory(space);
        SetMode(space, "700");
        var peer = PeerProcess.Start("rom-burn", Models.Tiny, space, "m");
        Assert.Equal("ready", await peer.ReadLineAsync());
        peer.Tell("burn");
        return peer;
    }

    // Whether the burn had published its image.
    private bool Judge(string space, Counts counts)
    {
        string[] unpublished = Directory.GetFiles(space, "*.burn");
        counts.BurnFiles += unpublished.Length;
        foreach (string file in Directory.GetFiles(space, "*.rom").Concat(unpublished))
            counts.Partial += IsPartial(file) ? 1 : 0;
        bool published = Directory.GetFiles(space, "*.rom").Length > 0;
        counts.Published += published ? 1 : 0;
        using (RomRegistry registry = RomRegistry.TryOpen(space)!)
            counts.BurnEntries += registry.ReadAll().Count(e => e.Entry.State == RomState.Burning);

        using var store = RomStore.Open(space);
        counts.Leftovers += Directory.GetFiles(space, "*.burn").Length;
        List<(EntrySlot Slot, RegistryEntry Entry)> entries = store.Registry.ReadAll();
        counts.Leftovers += entries.Count(e => e.Entry.State != RomState.Ready);
        Assert.Equal(published ? ["m"] : Array.Empty<string>(), entries.Select(e => e.Entry.Name));

        // A burn that died stands in nobody's way; one that published is not repeated.
        Assert.Equal(!published, Burn(store, Models.Tiny).Burned);
        store.Verify("m", null, CancellationToken.None);
        return published;
    }

    // An image that opens although it does not verify. An unpublished one that opens is whole as well: its magic is last.
    private static bool IsPartial(string file)
    {
        try
        {
            using var rom = RomFile.Open(file);
            try
            {
                rom.MapMetadata().Dispose();
                rom.Verify(null, CancellationToken.None);
                return false;
            }
            catch (VaiException)
            {
                return true;
            }
        }
        catch (VaiException e) when (e.Code is VaiError.RomDamaged or VaiError.RomTruncated && file.EndsWith(".burn", StringComparison.Ordinal))
        {
            return false;
        }
    }

    private static int? Variable(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int value) ? value : null;

    private sealed class Counts
    {
        public int Published { get; set; }

        public int Partial { get; set; }

        public int BurnFiles { get; set; }

        public int BurnEntries { get; set; }

        public int Leftovers { get; set; }
    }
}
