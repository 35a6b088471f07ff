using System.Globalization;
using VAI.Forge;
using Xunit.Abstractions;

namespace VAI.Native.Tests.Rom;

/// <summary>Processes that do not see each other's ids, as in two containers on one volume.</summary>
/// <remarks>VAI_TEST_ROUNDS=n for another number; VAI_TEST_SEED=n for the choices of seed n again.</remarks>
public sealed class NamespaceTests(RomModels models, ITestOutputHelper output) : RomTest(models)
{
    private static readonly int Rounds = Variable("VAI_TEST_ROUNDS") ?? 30;
    private static readonly int Seed = Variable("VAI_TEST_SEED") ?? Random.Shared.Next();

    /// <summary>
    /// Root may make a pid namespace, and so may most users in a user namespace; where neither is allowed this fails and says so.
    /// </summary>
    [Fact]
    public async Task Two_pid_namespaces_burn_and_evict_in_one_directory()
    {
        output.WriteLine($"VAI_TEST_ROUNDS={Rounds} VAI_TEST_SEED={Seed}");
        string shared = Models.Tiny;
        using RomStore store = OpenStore();
        PeerProcess[] peers = [.. Enumerable.Range(0, 2).Select(i => PeerProcess.StartUnder(
            IsRoot ? ["unshare", "-pf", "--kill-child"] : ["unshare", "-Urpf", "--kill-child"],
            [],
            "rom-churn", Space, $"peer-{i}", Models.Get("tiny", ForgeType.Q4_0, seed: (ulong)(i + 2)), shared,
            (Seed + i).ToString(CultureInfo.InvariantCulture)))];
        try
        {
            foreach (PeerProcess peer in peers)
                Assert.Equal("ready", await peer.ReadLineAsync());
            string refused = "";
            for (int round = 0; round < Rounds; round++)
            {
                foreach (PeerProcess peer in peers)
                    peer.Tell("round");
                string[][] said = [.. (await Task.WhenAll(peers.Select(p => p.ReadLineAsync()))).Select(l => l.Split('|'))];
                refused = string.Join(" and ", said.Select(s => s[1]));

                // Nobody is at work now: what each left is there, and nothing else.
                RegistryEntry[] entries = [.. store.Registry.ReadAll().Select(e => e.Entry)];
                Assert.All(entries, e => Assert.Equal(RomState.Ready, e.State));
                Assert.Equal(
                    said.SelectMany(s => s[0].Split(' ', StringSplitOptions.RemoveEmptyEntries)).Order(StringComparer.Ordinal),
                    entries.Select(e => $"{e.Name}={e.RomId}").Order(StringComparer.Ordinal));
                Assert.Equal(store.Directory.Images(), entries.Select(e => e.RomId).Distinct().Order(StringComparer.Ordinal));
                Assert.Empty(Directory.GetFiles(Space, "*.burn"));
            }

            output.WriteLine($"{Rounds} rounds; refused since another was evicting: {refused}");
            foreach (PeerProcess peer in peers)
                Assert.Equal(ExitCodes.Done, await peer.EndAsync());
        }
        finally
        {
            foreach (PeerProcess peer in peers)
                peer.Dispose();
        }
    }

    /// <summary>What it says of itself is a number that means another process here, or none.</summary>
    [Fact]
    public async Task A_burn_in_another_pid_namespace_is_not_taken_for_dead()
    {
        using var peer = PeerProcess.StartUnder(
            IsRoot ? ["unshare", "-pf", "--kill-child"] : ["unshare", "-Urpf", "--kill-child"], [], "rom-burn-slowly", Models.Tiny, Space, "slow");
        Assert.Equal("burning", await peer.ReadLineAsync());
        using RomStore store = OpenStore();
        RegistryEntry burning = Assert.Single(store.Registry.ReadAll()).Entry;
        Assert.Equal((RomState.Burning, "slow"), (burning.State, burning.Name));
        Throws<VaiUsageException>(VaiError.RomInUse, "being burned", () => store.Evict("slow", force: false, null, CancellationToken.None));

        // The place that a repair would have freed.
        RegistryEntry other = Burn(store, Models.Get("tiny", ForgeType.Q4_0, seed: 2), "other").Entry;
        peer.Tell("go on");
        Assert.StartsWith(burning.RomId, await peer.ReadLineAsync());
        Assert.Equal(ExitCodes.Done, await peer.EndAsync());
        Assert.Equal(
            [("other", other.RomId, RomState.Ready), ("slow", burning.RomId, RomState.Ready)],
            store.Registry.ReadAll().Select(e => (e.Entry.Name, e.Entry.RomId, e.Entry.State)).Order());
    }

    private static int? Variable(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int value) ? value : null;
}
