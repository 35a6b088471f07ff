using Microsoft.Extensions.Logging;

namespace VAI.Daemon;

/// <summary>The daemon's log messages. Event ids are stable: 30x the daemon, 31x its engine process, 32x its models, 330 and 332 a failed request, 34x what the system allows it.</summary>
internal static partial class DaemonLog
{
    [LoggerMessage(300, LogLevel.Information, "Serving {Models} models at {Socket}{Http}")]
    public static partial void Serving(this ILogger log, int models, string socket, string http);

    [LoggerMessage(301, LogLevel.Information, "Stopping: {Requests} requests have {Seconds:0.#} s to end")]
    public static partial void Draining(this ILogger log, int requests, double seconds);

    [LoggerMessage(302, LogLevel.Information, "Stopped")]
    public static partial void Stopped(this ILogger log);

    [LoggerMessage(303, LogLevel.Warning, "Nobody listens at NOTIFY_SOCKET: {Reason}")]
    public static partial void NotifyFailed(this ILogger log, string reason);

    [LoggerMessage(304, LogLevel.Information, "Read again: {What}")]
    public static partial void ReadAgain(this ILogger log, string what);

    [LoggerMessage(305, LogLevel.Error, "Not read again, and unchanged: {What}. {Reason}")]
    public static partial void NotReadAgain(this ILogger log, string what, string reason);

    [LoggerMessage(306, LogLevel.Warning, "Changed in the configuration, but only the next start takes it up: {Keys}")]
    public static partial void NeedsStart(this ILogger log, string keys);

    [LoggerMessage(307, LogLevel.Information, "Not waiting any longer: {Requests} requests are ended")]
    public static partial void Ending(this ILogger log, int requests);

    [LoggerMessage(308, LogLevel.Error, "The ROM directory {Directory}, or its lock, was removed while it was used: it is made and owned again. What is loaded goes on; the ROMs that were there are burned again when they are needed")]
    public static partial void RomDirectoryLost(this ILogger log, string directory);

    [LoggerMessage(309, LogLevel.Error, "Somebody has removed what the daemon uses: {What}")]
    public static partial void PremisesLost(this ILogger log, string what);

    [LoggerMessage(310, LogLevel.Warning, "The engine process {Id} ended ({Reason}), the {Count}. to do so; the next one is started in {Milliseconds:F0} ms")]
    public static partial void WorkerEnded(this ILogger log, int id, string reason, int count, double milliseconds);

    [LoggerMessage(311, LogLevel.Information, "The engine process {Id} serves, {Milliseconds:F0} ms after it was asked to")]
    public static partial void WorkerServes(this ILogger log, int id, double milliseconds);

    [LoggerMessage(312, LogLevel.Error, "The engine process {Id} cannot be used: {Reason}")]
    public static partial void WorkerUnusable(this ILogger log, int id, string reason);

    [LoggerMessage(313, LogLevel.Information, "The engine process {Id} stands by")]
    public static partial void WorkerStandsBy(this ILogger log, int id);

    [LoggerMessage(314, LogLevel.Warning, "No engine process stands by: {Reason}")]
    public static partial void NoStandby(this ILogger log, string reason);

    [LoggerMessage(315, LogLevel.Warning, "Copies of KV are lost, and computed again: {Reason}")]
    public static partial void CopiesLost(this ILogger log, string reason);

    [LoggerMessage(316, LogLevel.Information, "{Reason} This engine process ends with it")]
    public static partial void LinkEnded(this ILogger log, string reason);

    [LoggerMessage(317, LogLevel.Error, "The engine process {Id} hangs: {Reason}. It is ended and replaced")]
    public static partial void WorkerHangs(this ILogger log, int id, string reason);

    [LoggerMessage(318, LogLevel.Warning, "Request {Request} of {Model} was there when engine processes ended, and came no further between: it runs in one of its own")]
    public static partial void RequestSuspected(this ILogger log, string request, string model);

    [LoggerMessage(319, LogLevel.Error, "Request {Request} of {Model} ended an engine process that it had for itself, and is not tried again")]
    public static partial void RequestQuarantined(this ILogger log, string request, string model);

    [LoggerMessage(320, LogLevel.Information, "Model {Name}: {Phase} {Percent:F0} %")]
    public static partial void ModelProgress(this ILogger log, string name, LoadPhase phase, double percent);

    [LoggerMessage(321, LogLevel.Information, "Model {Name} is loaded: {Megabytes} MiB in {Milliseconds:F0} ms")]
    public static partial void ModelServed(this ILogger log, string name, long megabytes, double milliseconds);

    [LoggerMessage(322, LogLevel.Error, "Model {Name} is not loaded: {Reason}")]
    public static partial void ModelNotLoaded(this ILogger log, string name, string reason);

    [LoggerMessage(323, LogLevel.Error, "Model {Name} could not be loaded again: {Reason}")]
    public static partial void ModelNotReloaded(this ILogger log, string name, string reason);

    [LoggerMessage(328, LogLevel.Error, "The engine process {Id} has lost request {Request} of {Model}: it is asked again")]
    public static partial void RequestLost(this ILogger log, int id, string request, string model);

    [LoggerMessage(325, LogLevel.Information, "Model {Name} is not in the configuration any more: it is unloaded with its last session, and has no new ones")]
    public static partial void ModelLeaves(this ILogger log, string name);

    [LoggerMessage(326, LogLevel.Information, "Model {Name} is unloaded, as it is not in the configuration any more")]
    public static partial void ModelLeft(this ILogger log, string name);

    [LoggerMessage(327, LogLevel.Warning, "Loaded otherwise than the configuration says now: {Keys}. It stays so until it is unloaded and loaded again ('vai unload', 'vai load'), or the next start")]
    public static partial void NeedsLoad(this ILogger log, string keys);

    [LoggerMessage(340, LogLevel.Warning, "This process may have {Limit} files open ('ulimit -n'), so that it has {Connections} connections at most")]
    public static partial void FewFiles(this ILogger log, long limit, int connections);

    [LoggerMessage(324, LogLevel.Error, "Model {Name} is in quarantine: loading it ended the engine process three times in a row")]
    public static partial void ModelQuarantined(this ILogger log, string name);
}
