using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using VAI.Diagnostics;

namespace VAI.Daemon.Metrics;

/// <summary>Collects what the meters of VAI and its daemon measure in this process, and writes it in Prometheus' text format (0.0.4).</summary>
internal sealed class PrometheusExporter : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly ConcurrentDictionary<Instrument, MetricFamily> _families = new();
    private readonly MeterListener _listener = new();
    private readonly Lock _asking = new();

    public PrometheusExporter()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name is Telemetry.Name or DaemonMeter.Name)
                listener.EnableMeasurementEvents(instrument, _families.GetOrAdd(instrument, static i => new MetricFamily(i, Advised(i))));
        };
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<float>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.Start();
    }

    /// <summary>All that was measured since this was made. Families without a value are left out.</summary>
    public string Write()
    {
        lock (_asking)
            return WriteAlone();
    }

    public void Dispose() => _listener.Dispose();

    private string WriteAlone()
    {
        foreach (MetricFamily family in _families.Values)
            family.BeginAsking();
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        foreach (MetricFamily family in _families.Values.OrderBy(f => f.Name, StringComparer.Ordinal))
        {
            if (family.Series.Count == 0)
                continue;
            text.Append("# HELP ").Append(family.Name).Append(' ').Append(family.Help.Replace("\\", "\\\\").Replace("\n", "\\n")).Append('\n');
            text.Append("# TYPE ").Append(family.Name).Append(' ').Append(family.Kind).Append('\n');
            foreach (MetricSeries series in family.Series)
                Write(text, family, series);
        }

        return text.ToString();
    }

    private static void Write(StringBuilder text, MetricFamily family, MetricSeries series)
    {
        (double sum, long count, long[] buckets) = series.Read();
        if (family.Bounds is not { } bounds)
        {
            Sample(text, family.Name, series, null, sum);
            return;
        }

        long below = 0;
        for (int i = 0; i < buckets.Length; i++)
        {
            below += buckets[i];
            Sample(text, family.Name + "_bucket", series, i < bounds.Length ? Number(bounds[i]) : "+Inf", below);
        }

        Sample(text, family.Name + "_sum", series, null, sum);
        Sample(text, family.Name + "_count", series, null, count);
    }

    private static void Sample(StringBuilder text, string name, MetricSeries series, string? bound, double value)
    {
        text.Append(name);
        char before = '{';
        foreach ((string key, object? tag) in series.Tags)
        {
            Label(text, before, key.Replace('.', '_'), Convert.ToString(tag, CultureInfo.InvariantCulture) ?? "");
            before = ',';
        }

        if (bound is not null)
        {
            Label(text, before, "le", bound);
            before = ',';
        }

        text.Append(before == '{' ? " " : "} ").Append(Number(value)).Append('\n');
    }

    private static void Label(StringBuilder text, char before, string name, string value) => text.Append(before).Append(name).Append("=\"")
        .Append(value.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n")).Append('"');

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf"
        : double.IsNegativeInfinity(value) ? "-Inf"
        : value.ToString("R", CultureInfo.InvariantCulture);

    private static IReadOnlyList<double>? Advised(Instrument instrument) => instrument switch
    {
        Histogram<double> h => h.Advice?.HistogramBucketBoundaries,
        Histogram<float> h => h.Advice?.HistogramBucketBoundaries?.Select(b => (double)b).ToArray(),
        Histogram<long> h => h.Advice?.HistogramBucketBoundaries?.Select(b => (double)b).ToArray(),
        Histogram<int> h => h.Advice?.HistogramBucketBoundaries?.Select(b => (double)b).ToArray(),
        _ => null,
    };
}
