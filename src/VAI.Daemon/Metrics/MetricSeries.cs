namespace VAI.Daemon.Metrics;

/// <summary>The values of one instrument for one set of tags. Thread-safe; a measurement allocates nothing.</summary>
internal sealed class MetricSeries(KeyValuePair<string, object?>[] tags, double[]? bounds)
{
    private readonly Lock _gate = new();
    private readonly long[] _buckets = bounds is null ? [] : new long[bounds.Length + 1];
    private double _sum;
    private long _count;

    public IReadOnlyList<KeyValuePair<string, object?>> Tags => tags;

    public bool Has(ReadOnlySpan<KeyValuePair<string, object?>> other)
    {
        if (other.Length != tags.Length)
            return false;
        for (int i = 0; i < tags.Length; i++)
        {
            if (tags[i].Key != other[i].Key || !Equals(tags[i].Value, other[i].Value))
                return false;
        }

        return true;
    }

    public void Add(double value)
    {
        lock (_gate)
        {
            _sum += value;
            _count++;
            if (bounds is null)
                return;
            int bucket = 0;
            while (bucket < bounds.Length && value > bounds[bucket])
                bucket++;
            _buckets[bucket]++;
        }
    }

    /// <summary>For an instrument that is asked: its value now.</summary>
    public void Set(double value)
    {
        lock (_gate)
            (_sum, _count) = (value, 1);
    }

    /// <summary>The sum (or value), the number of measurements, and how many fell into each bucket.</summary>
    public (double Sum, long Count, long[] Buckets) Read()
    {
        lock (_gate)
            return (_sum, _count, [.. _buckets]);
    }
}
