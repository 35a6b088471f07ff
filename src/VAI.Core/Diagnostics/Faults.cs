using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace VAI.Diagnostics;

/// <summary>
/// Where exceptions go that nothing may fail by: of listeners, and of ends that must go on. The first of each origin is logged, to the
/// engine that was made last; whoever throws with every token must not fill the log.
/// </summary>
/// <remarks>Thread-safe; nothing here throws.</remarks>
internal static class Faults
{
    private static readonly ConcurrentDictionary<string, bool> Told = new();
    private static ILogger? _log;

    /// <param name="log">One that does not throw.</param>
    public static void LogTo(ILogger log) => Volatile.Write(ref _log, log);

    /// <summary>The engine has ended.</summary>
    public static void Forget(ILogger log) => Interlocked.CompareExchange(ref _log, null, log);

    /// <param name="origin">What threw, as the message has it.</param>
    /// <param name="error">What it threw.</param>
    public static void Report(string origin, Exception error)
    {
        if (Volatile.Read(ref _log) is { } log && Told.TryAdd(origin, true))
            log.Swallowed(error, origin);
    }
}
