using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using VAI.Daemon.Admission;

namespace VAI.Daemon.Hosting.Sockets;

/// <summary>
/// Takes a connection only when there is room for it: one too many is closed on the pool, and however many come before that would each take a file, until there are
/// none left for engines, or for what .NET loads when it is first needed and does not try again. Who is not taken waits in the kernel.
/// </summary>
internal sealed class BoundedListeners(IOptions<SocketTransportOptions> options, ILoggerFactory logs, AdmissionOptions admission)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector, IDisposable
{
    // Of those that are one too many, or over and not closed yet.
    private const int Spare = 16;

    private readonly SocketTransportFactory _sockets = new(options, logs);
    private readonly SemaphoreSlim _room = new(admission.MaxConnections + Spare);

    public bool CanBind(EndPoint endpoint) => _sockets.CanBind(endpoint);

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new Listener(await _sockets.BindAsync(endpoint, cancellationToken).ConfigureAwait(false), _room);

    public void Dispose() => _room.Dispose();

    private sealed class Listener(IConnectionListener listener, SemaphoreSlim room) : IConnectionListener
    {
        private readonly CancellationTokenSource _ending = new();

        public EndPoint EndPoint => listener.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                await room.WaitAsync(_ending.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return null;
            }

            ConnectionContext? connection = null;
            try
            {
                connection = await listener.AcceptAsync(cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                if (connection is null)
                    room.Release();
            }

            connection?.ConnectionClosed.UnsafeRegister(static room => ((SemaphoreSlim)room!).Release(), room);
            return connection;
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            await _ending.CancelAsync().ConfigureAwait(false);
            await listener.UnbindAsync(cancellationToken).ConfigureAwait(false);
        }

        public async ValueTask DisposeAsync()
        {
            await listener.DisposeAsync().ConfigureAwait(false);
            _ending.Dispose();
        }
    }
}
