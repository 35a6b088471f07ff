using System.Diagnostics;
using System.Reflection;
using VAI.Daemon.Admission;
using VAI.Daemon.Supervision;
using VAI.Daemon.Supervision.Link;
using VAI.Daemon.Supervision.Proxy;
using VAI.Remote.Wire;

namespace VAI.Daemon.Hosting;

/// <summary>What the daemon says of itself. What only the engine knows is of the last time that it was asked.</summary>
internal sealed class DaemonStatus(SupervisedVai vai, Supervisor supervisor, ActiveRequests requests, AdmissionGate gate)
{
    // The engine answers without a turn of the pipeline; one that does not is not waited for.
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private readonly long _start = Stopwatch.GetTimestamp();
    private Task? _asked;
    private IReadOnlyList<WireModelStatus>? _said;

    private static TimeSpan Patience { get; } = TimeSpan.FromSeconds(2);

    public static string Version { get; } =
        typeof(DaemonStatus).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    public async Task<WireStatus> ReadAsync(CancellationToken cancellationToken)
    {
        Task asked;
        lock (_gate)
        {
            // One question at a time: an engine that is being started answers later.
            if (_asked is null or { IsCompleted: true })
                _asked = AskAsync();
            asked = _asked;
        }

        await Task.WhenAny(asked, Task.Delay(Soon, cancellationToken)).ConfigureAwait(false);
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

    // An engine that hangs must not hang what asks about it; an answer that comes later is for whoever asks next.
    private async Task AskAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            if (await supervisor.AskAsync(LinkMethod.Status, WireJson.Default.IReadOnlyListWireModelStatus, patience.Token).ConfigureAwait(false) is { } said)
                Volatile.Write(ref _said, said);
        }
        catch (Exception e) when (e is VaiException or OperationCanceledException)
        {
        }
    }

    // How much SRAM there is was said with the load.
    private WireModelStatus Model(string name, IModelContext? model)
    {
        WireModelStatus? said = Volatile.Read(ref _said)?.FirstOrDefault(m => m.Name == name);
        bool quarantined = supervisor.IsQuarantined(name);
        return new WireModelStatus(
            name, model is not null && !quarantined, quarantined, model?.OpenSessions ?? 0, said?.SramUsed ?? 0,
            model?.Memory?.SramTokens ?? model?.ContextLength ?? 0, (model as EngineModel)?.Generated ?? 0);
    }
}
