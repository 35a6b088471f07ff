namespace VAI.Bench.Report;

/// <summary>What a number of values came to.</summary>
/// <param name="Median">Half of them lie below.</param>
/// <param name="LowerQuartile">A quarter of them lies below.</param>
/// <param name="UpperQuartile">A quarter of them lies above.</param>
internal sealed record Figure(double Median, double LowerQuartile, double UpperQuartile)
{
    /// <summary>The interquartile range: the middle half lies in it.</summary>
    public double Iqr => Math.Round(UpperQuartile - LowerQuartile, 3);

    public static Figure Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return new Figure(At(0.5), At(0.25), At(0.75));

        // Finer is noise.
        double At(double fraction) => Math.Round(Statistics.Quantile(sorted, fraction), 3);
    }

    public static Figure Of(IEnumerable<TimeSpan> times) => Of(times.Select(t => t.TotalMilliseconds));
}
