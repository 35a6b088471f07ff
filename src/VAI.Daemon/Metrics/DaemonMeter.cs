using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace VAI.Daemon.Metrics;

/// <summary>The daemon's meter, and what it counts of the HTTP API. Times are in seconds.</summary>
internal static class DaemonMeter
{
    public const string Name = "VAI.Daemon";

    /// <summary>For whoever counts something else of the daemon's.</summary>
    public static readonly Meter Meter = new(Name);

    private static readonly Counter<long> Requests = Meter.CreateCounter<long>(
        "vai.daemon.requests", "{request}", "Requests that ended, by route and status; 499 for a client that went away.");

    private static readonly UpDownCounter<long> Active = Meter.CreateUpDownCounter<long>(
        "vai.daemon.requests.active", "{request}", "Requests that run now, by route.");

    private static readonly Histogram<double> Duration = Meter.CreateHistogram(
        "vai.daemon.request.duration",
        "s",
        "From a request's headers to the end of its answer, by route.",
        advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
        });

    private static readonly Counter<long> SlowReaders = Meter.CreateCounter<long>(
        "vai.daemon.slow_readers", "{connection}", "Connections that were aborted because their client did not read.");

    public static void Started(string route) => Active.Add(1, Route(route));

    public static void Ended(string route, int status, long start)
    {
        Active.Add(-1, Route(route));
        Requests.Add(1, Route(route), new KeyValuePair<string, object?>("http.response.status_code", status));
        Duration.Record(Stopwatch.GetElapsedTime(start).TotalSeconds, Route(route));
    }

    public static void SlowReader() => SlowReaders.Add(1);

    private static KeyValuePair<string, object?> Route(string route) => new("http.route", route);
}
