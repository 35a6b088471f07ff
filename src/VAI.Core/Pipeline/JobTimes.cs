using System.Diagnostics;

namespace VAI.Pipeline;

/// <summary>A job's times, as <see cref="Stopwatch"/> timestamps, and its share.</summary>
internal readonly record struct JobTimes(long Start, long Due, long Deadline, long WaitsUntil, int Weight)
{
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>.</exception>
    public static JobTimes From(long start, SessionPriority priority, TimeSpan? deadline = null, TimeSpan? sramWait = null)
    {
        // What has no deadline is due after a while all the same: the order is by one number, and nothing waits for ever.
        (int weight, double seconds) = priority switch
        {
            SessionPriority.Low => (1, 120.0),
            SessionPriority.High => (4, 5.0),
            _ => (2, 30.0),
        };
        long due = After(TimeSpan.FromSeconds(seconds));
        long end = deadline is { } d ? After(d) : long.MaxValue;
        return new JobTimes(start, Math.Min(due, end), end, sramWait is { } w ? After(w) : long.MaxValue, weight);

        long After(TimeSpan span) => start + (long)(span.TotalSeconds * Stopwatch.Frequency);
    }
}
