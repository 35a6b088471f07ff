using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;

namespace VAI.Daemon.Hosting;

/// <summary>Tells systemd how a service of <c>Type=notify</c> stands (sd_notify(3)). Without <c>NOTIFY_SOCKET</c> nothing is told.</summary>
internal static class SystemdNotify
{
    public const string Variable = "NOTIFY_SOCKET";

    public static void Ready(ILogger log) => Send("READY=1", log);

    public static void Stopping(ILogger log) => Send("STOPPING=1", log);

    /// <summary>
    /// Tells it, where the unit has a <c>WatchdogSec</c>, that the daemon comes on: three times in each such time, for as long as that is so.
    /// </summary>
    /// <param name="isAlive">Asked again when it has answered: one that does not end says that the daemon hangs.</param>
    /// <param name="log">Where to log to.</param>
    /// <returns>Ends it; null where nobody asked.</returns>
    public static IDisposable? Watchdog(Func<Task<bool>> isAlive, ILogger log)
    {
        if (!long.TryParse(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), CultureInfo.InvariantCulture, out long microseconds) || microseconds <= 0)
            return null;
        var interval = TimeSpan.FromMicroseconds(microseconds / 3.0);
        Task asked = Task.CompletedTask;
        return new Timer(
            _ =>
            {
                if (asked.IsCompleted)
                    asked = TellAsync();
            },
            null,
            interval,
            interval);

        async Task TellAsync()
        {
            if (await isAlive().ConfigureAwait(false))
                Send("WATCHDOG=1", log);
        }
    }

    /// <summary>One datagram; a service that cannot say how it stands runs all the same.</summary>
    private static void Send(string state, ILogger log)
    {
        string? path = Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrEmpty(path))
            return;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.SendTo(Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path));
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            log.NotifyFailed(e.Message);
        }
    }
}
