using System.Diagnostics;

namespace VAI.Pipeline.Jobs;

/// <summary>A job's times, as <see cref="Stopwatch"/> timestamps, and its share.</summary>
internal readonly record struct JobTimes(long Start, long Due, long Deadline, long WaitsUntil, int Weight)
{
    /// <param name="start">When it came.</param>
    /// <param name="priority">Its share, and when it is due where nothing else says so.</param>
    /// <param name="deadline">Zero or more, or infinite; null for none.</param>
    /// <param name="sramWait">Zero or more, or infinite; null for its turn.</param>
    public static JobTimes From(long start, SessionPriority priority, TimeSpan? deadline = null, TimeSpan? sramWait = null)
    {
        // What has no deadline is due after a while all the same: the order is by one number, and nothing waits for ever.
        (int weight, int seconds) = priority switch
        {
            SessionPriority.Low => (1, 120),
            SessionPriority.High => (4, 5),
            _ => (2, 30),
        };
        long end = After(start, deadline);
        return new JobTimes(start, Math.Min(After(start, TimeSpan.FromSeconds(seconds)), end), end, After(start, sramWait), weight);
    }

    // What lies beyond the last timestamp is never.
    private static long After(long start, TimeSpan? span)
    {
        if (span is not { } s || s == Timeout.InfiniteTimeSpan)
            return long.MaxValue;
        Int128 end = start + ((Int128)s.Ticks * Stopwatch.Frequency / TimeSpan.TicksPerSecond);
        return end < long.MaxValue ? (long)end : long.MaxValue;
    }
}
