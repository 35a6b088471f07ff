namespace VAI.Bench;

internal static class Statistics
{
    public static double Median(IEnumerable<double> values) => Quantile([.. values.Order()], 0.5);

    public static TimeSpan Median(IEnumerable<TimeSpan> values) =>
        TimeSpan.FromTicks((long)Median(values.Select(v => (double)v.Ticks)));

    /// <summary>The value below which a fraction of them lies; zero if there are none.</summary>
    public static TimeSpan Percentile(IReadOnlyCollection<TimeSpan> values, double fraction) => values.Count == 0
        ? TimeSpan.Zero
        : TimeSpan.FromTicks((long)Quantile([.. values.Select(v => (double)v.Ticks).Order()], fraction));

    /// <summary>The third quartile minus the first.</summary>
    public static TimeSpan Spread(IEnumerable<TimeSpan> values)
    {
        double[] sorted = [.. values.Select(v => (double)v.Ticks).Order()];
        return TimeSpan.FromTicks((long)(Quantile(sorted, 0.75) - Quantile(sorted, 0.25)));
    }

    // Linear between neighbours, as spreadsheets and NumPy do by default.
    public static double Quantile(double[] sorted, double q)
    {
        double at = q * (sorted.Length - 1);
        int below = (int)at;
        int above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((at - below) * (sorted[above] - sorted[below]));
    }
}
