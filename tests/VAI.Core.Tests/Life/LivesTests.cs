using Xunit.Abstractions;

namespace VAI.Core.Tests.Life;

/// <summary>
/// Engines that live for a moment: readers of all kinds, and somebody who ends something at a random instant, wherever they happen to be.
/// Everything ends, in one of two ways, and nothing is left. VAI_TEST_LIVES=1000 for the full run; VAI_TEST_SEED repeats a run's choices.
/// </summary>
public sealed class LivesTests(ForgedModels models, ITestOutputHelper output) : EngineTest(models)
{
    private static readonly int Lives = TestVariables.Number("VAI_TEST_LIVES") ?? 50;

    [Fact]
    public async Task Whatever_ends_wherever_and_whenever_everything_ends()
    {
        int seed = TestVariables.Number("VAI_TEST_SEED") ?? Random.Shared.Next(1 << 30);
        output.WriteLine($"VAI_TEST_SEED={seed} VAI_TEST_LIVES={Lives}");
        Collect();
        var unobserved = new List<Exception>();
        EventHandler<UnobservedTaskExceptionEventArgs> note = (_, e) =>
        {
            lock (unobserved)
                unobserved.Add(e.Exception);
        };
        TaskScheduler.UnobservedTaskException += note;
        try
        {
            var acts = new SortedDictionary<string, int>(StringComparer.Ordinal);
            TimeSpan longest = default;
            for (int life = 0; life < Lives; life++)
            {
                using var one = new EngineLife(Models, seed + life);
                await one.LiveAsync();
                longest = one.LongestEnd > longest ? one.LongestEnd : longest;
                foreach (string act in one.Acts)
                    acts[act] = acts.GetValueOrDefault(act) + 1;
            }

            output.WriteLine($"the longest of all ends took {longest.TotalMilliseconds:F0} ms");
            output.WriteLine(string.Join(Environment.NewLine, acts.Select(a => $"{a.Value} x {a.Key}")));
            Collect();
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= note;
        }

        Assert.Empty(unobserved);
    }

    private static void Collect()
    {
        for (int i = 0; i < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
