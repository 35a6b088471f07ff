using System.Globalization;
using VAI.Native.Interop;

namespace VAI.Core.Tests.Pipeline.Compute;

/// <summary>Compute threads that stand back for others.</summary>
public sealed class StandingTests(ForgedModels models) : EngineTest(models)
{
    // No other test's.
    private const int Nice = 13;

    [Fact]
    public async Task The_threads_that_compute_stand_back()
    {
        await using IVai vai = Vai.Create(o =>
        {
            (o.Nice, o.BatchScheduling, o.Threads) = (Nice, true, 2);
            o.AddModel("m", Models["tiny"]);
        });
        await using IInferenceSession session = vai.Select(await vai.LoadAsync("m")).OpenSession();
        await ReadAsync(session.InferAsync("x", Greedy(2)));
        string[] back = Threads(
            t => LibcNative.getpriority(LibcNative.PRIO_PROCESS, t) == Nice && LibcNative.sched_getscheduler(t) == LibcNative.SCHED_BATCH);
        Assert.Contains("vai-compute", back);
        Assert.Contains("vai-pipeline", back);
        Assert.DoesNotContain("vai-readers", back);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(20)]
    public void What_nobody_may_have_is_refused(int nice) =>
        Assert.Equal(VaiError.InvalidOption, Assert.Throws<VaiUsageException>(() => Vai.Create(new VaiOptions { Nice = nice })).Code);

    private static string[] Threads(Func<uint, bool> are) =>
    [
        .. Directory.EnumerateDirectories("/proc/self/task")
            .Where(t => are(uint.Parse(Path.GetFileName(t), CultureInfo.InvariantCulture)))
            .Select(t => File.ReadAllText(t + "/comm").TrimEnd('\n')).Order(StringComparer.Ordinal),
    ];
}
