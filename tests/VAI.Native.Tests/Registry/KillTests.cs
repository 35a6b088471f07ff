using System.Diagnostics;
using System.Globalization;
using VAI.Native.Memory;
using VAI.TestPeer.Verbs;
using Xunit.Abstractions;

namespace VAI.Native.Tests.Registry;

/// <summary>Writers and creators killed at random instants.</summary>
/// <remarks>VAI_TEST_KILLS=10000 for the full run; VAI_TEST_SEED=n for the instants of seed n again, as far as the machine repeats.</remarks>
public sealed class KillTests(ITestOutputHelper output)
{
    private static readonly int Kills = Variable("VAI_TEST_KILLS") ?? 150;
    private static readonly int Seed = Variable("VAI_TEST_SEED") ?? Random.Shared.Next();

    [Fact]
    public async Task A_killed_writer_tears_no_entry()
    {
        using var directory = new RomDirectory();
        using PeerProcess peer = Start("registry-kills", directory, Kills);
        Assert.Equal("ready", await peer.ReadLineAsync());
        using RomRegistry registry = RomRegistry.TryOpen(directory.FullName)!;
        Task<int> exit = peer.EndAsync();
        using var reads = new ReadTimes(directory);
        long torn = 0;
        var watch = Stopwatch.StartNew();
        while (!exit.IsCompleted)
        {
            for (int i = 0; i < RegistryKills.Entries; i++)
            {
                // Damage, or an entry that never stands still, would throw.
                Assert.True(reads.Read(registry, i, out RegistryEntry entry));
                torn += EntryPattern.IsWhole(ref entry) ? 0 : 1;
            }
        }

        string halfWritten = await peer.ReadLineAsync();
        output.WriteLine($"{Kills} kills in {watch.Elapsed.TotalSeconds:f1} s, {halfWritten} of them left a half-written slot; torn entries: {torn}");
        output.WriteLine(reads.ToString());
        Assert.Equal(0, await exit);
        Assert.Equal(0, torn);
        Assert.NotEqual("0", halfWritten);
    }

    [Fact]
    public async Task A_killed_creator_leaves_a_registry_or_none()
    {
        using var directory = new RomDirectory();
        using PeerProcess peer = Start("registry-create-kills", directory, 200);
        string unfinished = await peer.ReadLineAsync();
        output.WriteLine($"{unfinished} of 200 creators were killed before they had finished");
        Assert.Equal(0, await peer.EndAsync());
        Assert.NotEqual("0", unfinished);
    }

    private PeerProcess Start(string verb, RomDirectory directory, int kills)
    {
        output.WriteLine($"VAI_TEST_KILLS={Kills} VAI_TEST_SEED={Seed}");
        return PeerProcess.Start(
            Zygote.Environment, verb, directory.FullName, kills.ToString(CultureInfo.InvariantCulture), Seed.ToString(CultureInfo.InvariantCulture));
    }

    private static int? Variable(string name) => int.TryParse(Environment.GetEnvironmentVariable(name), out int value) ? value : null;

    /// <summary>How long reads took, beside equally long stretches that only look at the clock: what the machine does to both.</summary>
    private sealed class ReadTimes(RomDirectory directory) : IDisposable
    {
        private const int ClocksPerRead = 6;
        private readonly long _millisecond = Stopwatch.Frequency / 1000;
        private readonly TableFile _file = TableFile.TryOpen(directory.FullName, RegistryLayout.Shape, writable: false)!;
        private long _reads, _longest, _longestStretch;
        private int _over, _stretchesOver, _mostAttempts;

        public bool Read(RomRegistry registry, int index, out RegistryEntry entry)
        {
            long start = Stopwatch.GetTimestamp();
            bool found = registry.TryRead(index, out entry);
            long took = Stopwatch.GetTimestamp() - start;

            start = Stopwatch.GetTimestamp();
            long end = start;
            for (int i = 0; i < ClocksPerRead; i++)
                end = Stopwatch.GetTimestamp();
            long stretch = end - start;

            _reads++;
            (_longest, _longestStretch) = (Math.Max(_longest, took), Math.Max(_longestStretch, stretch));
            _over += took > _millisecond ? 1 : 0;
            _stretchesOver += stretch > _millisecond ? 1 : 0;
            _mostAttempts = Math.Max(_mostAttempts, AttemptsAt(index));
            return found;
        }

        public void Dispose() => _file.Dispose();

        public override string ToString() =>
            $"{_reads} reads, the longest took {Microseconds(_longest):f1} us; {_over} took over 1 ms; none of as many more took more than "
            + $"{_mostAttempts} attempts. Of as many stretches of {ClocksPerRead} looks at the clock the longest took "
            + $"{Microseconds(_longestStretch):f1} us; {_stretchesOver} took over 1 ms";

        // A read computes and waits for nobody: what its attempts do not explain, the machine did.
        private unsafe int AttemptsAt(int index)
        {
            using Segment.Access access = _file.Map.Enter();
            Assert.Equal(CellRead.Entry, new EntryCell(access.Start, index).Read(out _, out _, out int attempts));
            return attempts;
        }

        private static double Microseconds(long ticks) => ticks * 1e6 / Stopwatch.Frequency;
    }
}
