using System.Diagnostics;
using System.Net.Sockets;

namespace VAI.Remote;

/// <summary>A daemon at a Unix socket. One that went away is waited for, since somebody may start it again.</summary>
internal sealed class SocketEndpoint : IEndpoint
{
    // A daemon's start takes longer than this, and a refused connection costs a few microseconds.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    private readonly string _path;
    private readonly TimeSpan _reconnectFor;
    private readonly uint? _owner;

    /// <param name="socketPath">Where it listens.</param>
    /// <param name="reconnectFor">How long one that went away is waited for.</param>
    /// <param name="owner">Whose it must be, unless it is root's; null if the socket was named by the user.</param>
    public SocketEndpoint(string socketPath, TimeSpan reconnectFor, uint? owner = null)
    {
        (_path, _reconnectFor, _owner) = (socketPath, reconnectFor, owner);
    }

    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_path), cancellationToken).ConfigureAwait(false);
            if (_owner is { } owner)
                DaemonSocket.CheckOwner(socket, _path, owner);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            socket?.Dispose();
            throw new VaiEngineException(
                VaiError.DaemonUnavailable,
                $"No daemon answers at '{_path}': {Reason(e)}. Start one with `vai serve --socket {_path}`, or set VAI_SOCKET to its socket.", e);
        }
        catch
        {
            socket?.Dispose();
            throw;
        }
    }

    // What connect(2) is said to have said depends on the kind of socket, and is of no use to people.
    private string Reason(Exception e) => e switch
    {
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => "nobody listens there any more",
        SocketException when !File.Exists(_path) => "there is no such socket",
        _ => e.Message.TrimEnd('.'),
    };

    public async ValueTask RecoverAsync(string? model, Exception cause, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await (await ConnectAsync(cancellationToken).ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
                return;
            }
            catch (VaiEngineException) when (Stopwatch.GetElapsedTime(start) < _reconnectFor)
            {
                await Task.Delay(Interval, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
