using System.Diagnostics;
using System.Globalization;
using VAI.Bench;

namespace VAI.Benchmarks.Engine;

/// <summary>
/// <see cref="DecodeOverhead"/> in pairs: bare loop and API in turn, so that a machine that drifts slows both. Its two
/// thread pools spin for about 100 ms after use, hence the pause before each.
/// </summary>
internal static class PairedOverhead
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>Prints the medians and the ratio of the API's tokens/s to the bare loop's.</summary>
    public static async Task RunAsync(int pairs)
    {
        var benchmark = new DecodeOverhead();
        benchmark.Setup();
        var bare = new List<double>();
        var api = new List<double>();
        for (int i = -2; i < pairs; i++)
        {
            double first = await TimeAsync(() => Task.FromResult(benchmark.BareLoop()));
            double second = await TimeAsync(benchmark.Api);
            if (i < 0)
                continue;
            bare.Add(first);
            api.Add(second);
        }

        benchmark.Cleanup();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"bare {Statistics.Median(bare):F1} ms, api {Statistics.Median(api):F1} ms, api/bare tokens/s {Statistics.Median(bare.Zip(api, (b, a) => b / a)):F3} (median of {pairs} pairs)"));
    }

    private static async Task<double> TimeAsync(Func<Task<int>> operation)
    {
        await Task.Delay(Pause);
        long start = Stopwatch.GetTimestamp();
        await operation();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
