using System.Diagnostics.Metrics;
using VAI.Daemon.Metrics;

namespace VAI.Daemon.Admission;

/// <summary>What admission did, on the daemon's meter.</summary>
internal static class AdmissionTelemetry
{
    private static readonly Counter<long> AdmittedCount = DaemonMeter.Meter.CreateCounter<long>(
        "vai.requests.admitted", "{request}", "Requests that were let in to compute.");

    private static readonly Counter<long> QueuedCount = DaemonMeter.Meter.CreateCounter<long>(
        "vai.requests.queued", "{request}", "Requests that had to wait for a place.");

    private static readonly Counter<long> RefusedCount = DaemonMeter.Meter.CreateCounter<long>(
        "vai.requests.refused", "{request}", "Requests that were refused, by status.");

    private static readonly UpDownCounter<long> ActiveCount = DaemonMeter.Meter.CreateUpDownCounter<long>(
        "vai.requests.active", "{request}", "Requests that compute now.");

    private static readonly UpDownCounter<long> WaitingCount = DaemonMeter.Meter.CreateUpDownCounter<long>(
        "vai.requests.waiting", "{request}", "Requests that wait for a place now.");

    public static void Admitted()
    {
        AdmittedCount.Add(1);
        ActiveCount.Add(1);
    }

    public static void Left() => ActiveCount.Add(-1);

    public static void Queued(int requests)
    {
        QueuedCount.Add(requests);
        WaitingCount.Add(requests);
    }

    public static void Waiting(int change) => WaitingCount.Add(change);

    public static void Refused(int status) => RefusedCount.Add(1, new KeyValuePair<string, object?>("http.response.status_code", status));
}
