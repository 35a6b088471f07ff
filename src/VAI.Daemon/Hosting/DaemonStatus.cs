using System.Diagnostics;
using System.Reflection;
using VAI.Daemon.Admission;
using VAI.Daemon.Supervision;
using VAI.Remote;

namespace VAI.Daemon.Hosting;

/// <summary>What the daemon says of itself. What only the engine knows is of the last time that it was asked.</summary>
internal sealed class DaemonStatus(SupervisedVai vai, RemoteVai engine, Supervisor supervisor, ActiveRequests requests, AdmissionGate gate)
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private Task<WireStatus>? _asked;
    private WireStatus? _said;

    public static string Version { get; } =
        typeof(DaemonStatus).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    public WireStatus Read()
    {
        // One question at a time: an engine that is being started answers later.
        if (_asked is null or { IsCompleted: true })
        {
            if (_asked is { IsCompletedSuccessfully: true })
                _said = _asked.Result;
            _asked = engine.StatusAsync(CancellationToken.None);
        }

        IReadOnlyList<IModelContext> loaded = vai.Models;
        IEnumerable<string> names = loaded.Select(m => m.Name).Union(vai.Configured.Select(m => m.Name), StringComparer.Ordinal);
        return new WireStatus(
            Version,
            Environment.ProcessId,
            supervisor.WorkerId,
            supervisor.Restarts,
            Stopwatch.GetElapsedTime(_start).TotalSeconds,
            requests.Count,
            gate.Waiting,
            [.. names.Select(name => Model(name, loaded.FirstOrDefault(m => m.Name == name)))]);
    }

    private WireModelStatus Model(string name, IModelContext? model)
    {
        WireModelStatus? said = _said?.Models.FirstOrDefault(m => m.Name == name);
        bool quarantined = supervisor.IsQuarantined(name);
        return new WireModelStatus(
            name, model is not null && !quarantined, quarantined, model?.OpenSessions ?? 0, said?.SramUsed ?? 0, said?.SramTokens ?? 0, said?.GeneratedTokens ?? 0);
    }
}
