using System.Diagnostics.Metrics;

namespace VAI.Daemon.Metrics;

/// <summary>What an instrument measured, by its tags.</summary>
internal sealed class MetricFamily
{
    // Tags are routes, states and names of models. Whatever goes wrong with one, memory stays bounded.
    private const int MaxSeries = 1000;

    private static readonly double[] Seconds =
        [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    private static readonly double[] Counts = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768];

    private readonly Lock _gate = new();
    private readonly bool _observed;
    private MetricSeries[] _series = [];

    public MetricFamily(Instrument instrument, IReadOnlyList<double>? advised)
    {
        Type definition = instrument.GetType().GetGenericTypeDefinition();
        bool histogram = definition == typeof(Histogram<>);
        bool counter = definition == typeof(Counter<>) || definition == typeof(ObservableCounter<>);
        _observed = instrument.IsObservable;
        Kind = histogram ? "histogram" : counter ? "counter" : "gauge";
        Sets = _observed || definition == typeof(Gauge<>);
        Help = instrument.Description ?? "";
        if (histogram)
            Bounds = advised is { Count: > 0 } ? [.. advised] : instrument.Unit == "s" ? Seconds : Counts;

        // As OpenTelemetry's rules for Prometheus have it: the unit is a part of the name, unless it is an annotation.
        Name = instrument.Name.Replace('.', '_').Replace('-', '_');
        if (instrument.Unit == "s")
            Name += "_seconds";
        else if (instrument.Unit == "By" && !Name.EndsWith("_bytes", StringComparison.Ordinal))
            Name += "_bytes";
        if (counter)
            Name += "_total";
    }

    public string Name { get; }

    public string Kind { get; }

    public string Help { get; }

    /// <summary>Upper bounds of a histogram's buckets; null for no histogram.</summary>
    public double[]? Bounds { get; }

    public IReadOnlyList<MetricSeries> Series => Volatile.Read(ref _series);

    /// <summary>Forgets what an instrument that is asked said the last time: it says all there is.</summary>
    public void BeginAsking()
    {
        if (_observed)
            Volatile.Write(ref _series, []);
    }

    private bool Sets { get; }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        MetricSeries? series = Find(tags) ?? Create(tags);
        if (Sets)
            series?.Set(value);
        else
            series?.Add(value);
    }

    // Few enough that looking at each costs less than a key of all tags would.
    private MetricSeries? Find(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        foreach (MetricSeries series in Volatile.Read(ref _series))
        {
            if (series.Has(tags))
                return series;
        }

        return null;
    }

    private MetricSeries? Create(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        lock (_gate)
        {
            MetricSeries? series = Find(tags);
            if (series is not null || _series.Length == MaxSeries)
                return series;
            series = new MetricSeries(tags.ToArray(), Bounds);
            Volatile.Write(ref _series, [.. _series, series]);
            return series;
        }
    }
}
