using System.Diagnostics.Metrics;
using VAI.Diagnostics;

namespace VAI.Bench.Parts;

/// <summary>What one model's steps came to between <see cref="StepMeter.Start"/> and <see cref="StepMeter.Stop"/>.</summary>
internal sealed class StepTotals
{
    public TimeSpan Time { get; set; }

    public int Steps { get; set; }

    public long Rows { get; set; }

    /// <summary>Between two tokens of one transaction.</summary>
    public List<TimeSpan> Intervals { get; } = [];

    public void Add(StepTotals other)
    {
        Time += other.Time;
        Steps += other.Steps;
        Rows += other.Rows;
        Intervals.AddRange(other.Intervals);
    }
}

/// <summary>Listens to VAI's meters, which tell of each step when it ends. Models are told apart by their names.</summary>
internal sealed class StepMeter : IDisposable
{
    private readonly Lock _gate = new();
    private readonly MeterListener _listener = new();
    private Dictionary<string, StepTotals>? _totals;

    public StepMeter()
    {
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name == Telemetry.Name && instrument.Name is "vai.step.duration" or "vai.step.rows" or "vai.token.interval")
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<double>((instrument, seconds, tags, _) =>
        {
            var time = TimeSpan.FromSeconds(seconds);
            Record(tags, totals =>
            {
                if (instrument.Name == "vai.token.interval")
                    totals.Intervals.Add(time);
                else
                    (totals.Time, totals.Steps) = (totals.Time + time, totals.Steps + 1);
            });
        });
        _listener.SetMeasurementEventCallback<int>((_, rows, tags, _) => Record(tags, totals => totals.Rows += rows));
        _listener.Start();
    }

    public void Start()
    {
        lock (_gate)
            _totals = [];
    }

    /// <summary>Ends the measurement; the first one to do so gets what was measured.</summary>
    public IReadOnlyDictionary<string, StepTotals>? Stop()
    {
        lock (_gate)
        {
            Dictionary<string, StepTotals>? totals = _totals;
            _totals = null;
            return totals;
        }
    }

    public void Dispose() => _listener.Dispose();

    private void Record(ReadOnlySpan<KeyValuePair<string, object?>> tags, Action<StepTotals> add)
    {
        lock (_gate)
        {
            if (_totals is null || tags.Length == 0 || tags[0].Value is not string model)
                return;
            if (!_totals.TryGetValue(model, out StepTotals? totals))
                _totals[model] = totals = new StepTotals();
            add(totals);
        }
    }
}
