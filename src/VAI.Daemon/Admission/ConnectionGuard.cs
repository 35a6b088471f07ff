using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using VAI.Daemon.Access;

namespace VAI.Daemon.Admission;

/// <summary>
/// Bounds the connections over TCP of which nothing is known yet: where keys are needed, those that have shown none are few, and few of each
/// address; and all have seconds for their first request that is let in. So whoever has no key takes nothing from those who have one. Thread-safe.
/// </summary>
/// <remarks>
/// One more than there may be ends the oldest, not itself: who has a key shows it in its first packet, and whoever holds connections for their own
/// sake has the oldest ones. That packet may wait for a busy core: those of the last moment are ended only where they are very many.
/// </remarks>
/// <param name="options">How many, and how long.</param>
/// <param name="access">Whether keys are needed, and which proxies are trusted: theirs are as many as they like.</param>
internal sealed class ConnectionGuard(AdmissionOptions options, AccessOptions access)
{
    // An idle peer that lost its power is found out after a minute and a half.
    private const int KeepAliveTime = 60;
    private const int KeepAliveInterval = 10;
    private const int KeepAliveTries = 3;

    private readonly Lock _gate = new();
    private readonly LinkedList<Held> _all = new();
    private readonly Dictionary<IPAddress, LinkedList<Held>> _addresses = [];
    private readonly bool _keyed = access.ApiKeyFile is not null;
    private readonly TimeSpan _patience = options.FirstRequestTimeout;
    private readonly int _most = Math.Max(options.MaxUnknownConnections, options.MaxConnections / 4);

    /// <summary>Connections that have not shown a key yet.</summary>
    public int Unknown
    {
        get
        {
            lock (_gate)
                return _all.Count;
        }
    }

    /// <summary>Has it guard the connections of an endpoint.</summary>
    public void Guard(ListenOptions listen) => listen.Use(next => connection => OnConnectionAsync(connection, next));

    /// <summary>A request of the connection is let in.</summary>
    public static void Admit(HttpContext context)
    {
        if (context.Features.Get<IConnectionItemsFeature>()?.Items.TryGetValue(typeof(ConnectionGuard), out object? held) == true)
            ((Held)held!).Dispose();
    }

    private async Task OnConnectionAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (connection.Features.Get<IConnectionSocketFeature>()?.Socket is { } socket)
            KeepAlive(socket);
        IPAddress address = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        bool counts = _keyed && !Peer.IsOf(address, access.TrustedProxies);
        using var held = new Held(this, counts ? address : null, connection);
        if (counts)
            Enter(held, address);
        connection.Items[typeof(ConnectionGuard)] = held;
        await next(connection);
    }

    private void Enter(Held held, IPAddress address)
    {
        Held? oldest;
        lock (_gate)
        {
            if (!_addresses.TryGetValue(address, out LinkedList<Held>? its))
                _addresses[address] = its = new LinkedList<Held>();
            oldest = its.Count >= options.MaxUnknownPerAddress ? its.First!.Value : _all.Count >= options.MaxUnknownConnections ? _all.First!.Value : null;
            if (oldest?.Age < options.UnknownGrace)
                oldest = _all.Count >= _most ? _all.First!.Value : null;
            if (oldest is not null)
                Remove(oldest);
            if (!_addresses.TryAdd(address, its))
                its = _addresses[address];
            its.AddLast(held.OfAddress);
            _all.AddLast(held.OfAll);
        }

        oldest?.End();
    }

    private void Leave(Held held)
    {
        lock (_gate)
            Remove(held);
    }

    private void Remove(Held held)
    {
        if (held.OfAll.List is null)
            return;
        _all.Remove(held.OfAll);
        LinkedList<Held> its = _addresses[held.Address!];
        its.Remove(held.OfAddress);
        if (its.Count == 0)
            _addresses.Remove(held.Address!);
    }

    private static void KeepAlive(Socket socket)
    {
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveTime);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveInterval);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveTries);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is gone already.
        }
    }

    /// <summary>A connection, until a request of it is let in or it ends.</summary>
    private sealed class Held : IDisposable
    {
        private readonly ConnectionGuard _owner;
        private readonly ConnectionContext _connection;
        private readonly Timer _timer;
        private readonly long _since = Stopwatch.GetTimestamp();
        private int _left;

        public Held(ConnectionGuard owner, IPAddress? address, ConnectionContext connection)
        {
            (_owner, Address, _connection) = (owner, address, connection);
            OfAll = new LinkedListNode<Held>(this);
            OfAddress = new LinkedListNode<Held>(this);
            _timer = new Timer(static held => ((Held)held!).End(), this, owner._patience, Timeout.InfiniteTimeSpan);
        }

        public TimeSpan Age => Stopwatch.GetElapsedTime(_since);

        /// <summary>Whose it is; null where it is not counted.</summary>
        public IPAddress? Address { get; }

        public LinkedListNode<Held> OfAll { get; }

        public LinkedListNode<Held> OfAddress { get; }

        /// <summary>Ends the connection, unless it was let in meanwhile.</summary>
        public void End()
        {
            if (TryLeave())
                _connection.Abort(new ConnectionAbortedException("No request of it was let in."));
        }

        public void Dispose() => TryLeave();

        private bool TryLeave()
        {
            if (Interlocked.Exchange(ref _left, 1) != 0)
                return false;
            _timer.Dispose();
            if (Address is not null)
                _owner.Leave(this);
            return true;
        }
    }
}
