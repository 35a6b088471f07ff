using System.Net.Sockets;
using VAI.Remote;

namespace VAI.Daemon.Supervision;

/// <summary>One engine process, and no other: when it ends, so does what was asked of it.</summary>
internal sealed class WorkerEndpoint(WorkerProcess worker) : IEndpoint
{
    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(worker.Socket), cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw Lost(e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public ValueTask RecoverAsync(string? model, Exception cause, CancellationToken cancellationToken) => throw Lost(cause);

    private VaiEngineException Lost(Exception cause) => new(
        VaiError.EngineLost, $"The daemon's engine process {worker.Id} does not answer. It is being started again: ask again.", cause);
}
