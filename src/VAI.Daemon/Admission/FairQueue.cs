using System.Diagnostics;

namespace VAI.Daemon.Admission;

/// <summary>What came of asking for a place.</summary>
internal enum Entry
{
    /// <summary>It may compute, until <see cref="FairQueue.Leave"/>.</summary>
    Admitted,

    /// <summary>The client has as many waiting as it may.</summary>
    ClientFull,

    /// <summary>All places to wait are taken.</summary>
    QueueFull,

    /// <summary>The daemon is about to stop.</summary>
    Draining,
}

/// <summary>
/// A bounded number of places, and a bounded number of those who wait for one. Each client waits in a queue of its own and the clients
/// take turns: for each of its requests a client waits for at most one of each other client. Thread-safe.
/// </summary>
/// <remarks>
/// A client is known here only while it has a place or waits, so that memory is bounded by the options; but for the last two that left,
/// since one that asks again and again is there in between, too.
/// </remarks>
internal sealed class FairQueue
{
    private static readonly TimeSpan Lingers = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Client> _clients = new(StringComparer.Ordinal);

    // Those with somebody waiting who are below their share, whose turn is next first. Not empty only while all places are taken.
    private readonly LinkedList<Client> _turns = new();
    private readonly int _maxActive;
    private readonly int _maxWaiting;
    private readonly (int Active, int BesideOthers, int Waiting) _share;
    private readonly TimeProvider _time;
    private (string Client, long At)? _left;
    private (string Client, long At)? _leftBefore;
    private TaskCompletionSource? _idle;
    private double _meanSeconds;
    private int _active;
    private int _waiting;
    private bool _draining;

    public FairQueue(AdmissionOptions options, TimeProvider? time = null) =>
        (_maxActive, _maxWaiting, _share, _time) = (options.MaxActive, options.MaxWaiting, options.Share, time ?? TimeProvider.System);

    /// <summary>Requests that have a place.</summary>
    public int Active => Volatile.Read(ref _active);

    /// <summary>Requests that wait for one.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Clients with a place or a request that waits.</summary>
    public int Clients
    {
        get
        {
            lock (_gate)
                return _clients.Count;
        }
    }

    /// <summary>Takes a place, waiting for it if need be.</summary>
    /// <param name="client">Whose request it is.</param>
    /// <param name="cancellationToken">Leaves the queue at once.</param>
    /// <returns>Whether there is a place, which <see cref="Leave"/> gives back, and why not.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled; there is nothing to give back.</exception>
    public async ValueTask<Entry> EnterAsync(string client, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Waiter waiter;
        lock (_gate)
        {
            if (_draining)
                return Entry.Draining;
            Client? known = _clients.GetValueOrDefault(client);
            if (_active < _maxActive && (known is null || (known.Waiting.Count == 0 && known.Active < ShareOf(client))))
            {
                Start(known ?? Add(client));
                return Entry.Admitted;
            }

            if ((known?.Waiting.Count ?? 0) >= _share.Waiting)
                return Entry.ClientFull;
            if (_waiting >= _maxWaiting)
                return Entry.QueueFull;
            waiter = new Waiter(this, known ?? Add(client));
            waiter.Client.Waiting.AddLast(waiter.Node);
            _waiting++;
            QueueForTurn(waiter.Client);
            ServeTurns();
        }

        AdmissionTelemetry.Queued(1);
        try
        {
            await using (cancellationToken.UnsafeRegister(static (w, token) => ((Waiter)w!).Cancel(token), waiter))
                return await waiter.Task;
        }
        finally
        {
            AdmissionTelemetry.Waiting(-1);
        }
    }

    /// <summary>Gives a place back.</summary>
    /// <param name="client">Who had it.</param>
    /// <param name="since"><see cref="Stopwatch.GetTimestamp"/> when it was taken, from which <see cref="RetryAfter"/> is estimated.</param>
    public void Leave(string client, long since)
    {
        double seconds = Stopwatch.GetElapsedTime(since).TotalSeconds;
        lock (_gate)
        {
            _meanSeconds += (seconds - _meanSeconds) / 16;
            Client c = _clients[client];
            c.Active--;
            _active--;
            if (_left?.Client != client)
                _leftBefore = _left;
            _left = (client, _time.GetTimestamp());
            QueueForTurn(c);
            Forget(c);
            ServeTurns();
            if (_active == 0)
                _idle?.TrySetResult();
        }
    }

    /// <summary>In how many seconds asking again makes sense: about how long those who wait now will take; 1 to 60.</summary>
    public int RetryAfter()
    {
        lock (_gate)
            return (int)Math.Clamp(Math.Ceiling(_meanSeconds * (_waiting + 1) / _maxActive), 1, 60);
    }

    /// <summary>Lets nobody in any more, sends those away who wait, and ends when all places are free.</summary>
    /// <param name="cancellationToken">Gives up waiting for that.</param>
    public Task DrainAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            _draining = true;
            _turns.Clear();
            foreach (Client client in _clients.Values.ToArray())
            {
                foreach (Waiter waiter in client.Waiting)
                    waiter.Answer(Entry.Draining);
                _waiting -= client.Waiting.Count;
                client.Waiting.Clear();
                Forget(client);
            }

            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_active == 0)
                _idle.TrySetResult();
            return _idle.Task.WaitAsync(cancellationToken);
        }
    }

    private Client Add(string id) => _clients[id] = new Client(id);

    private void Start(Client client)
    {
        client.Active++;
        _active++;
    }

    private int ShareOf(string client)
    {
        (string Client, long At)? other = _left?.Client == client ? _leftBefore : _left;
        bool others = _clients.Count > (_clients.ContainsKey(client) ? 1 : 0) || (other is { } o && _time.GetElapsedTime(o.At) < Lingers);
        return others ? _share.BesideOthers : _share.Active;
    }

    private void ServeTurns()
    {
        while (_active < _maxActive && _turns.First is { } turn)
            Serve(turn.Value);
    }

    private void Serve(Client client)
    {
        // Its share may have become smaller; it gets its turn again when it leaves.
        _turns.Remove(client.Turn);
        if (client.Active >= ShareOf(client.Id))
            return;
        Waiter waiter = client.Waiting.First!.Value;
        client.Waiting.RemoveFirst();
        _waiting--;
        Start(client);
        QueueForTurn(client);
        waiter.Answer(Entry.Admitted);
    }

    private void QueueForTurn(Client client)
    {
        if (client.Turn.List is null && client.Waiting.Count > 0 && client.Active < ShareOf(client.Id))
            _turns.AddLast(client.Turn);
    }

    private void Forget(Client client)
    {
        if (client.Active == 0 && client.Waiting.Count == 0)
            _clients.Remove(client.Id);
    }

    private sealed class Client
    {
        public Client(string id)
        {
            Id = id;
            Turn = new LinkedListNode<Client>(this);
        }

        public string Id { get; }

        public int Active { get; set; }

        public LinkedList<Waiter> Waiting { get; } = new();

        public LinkedListNode<Client> Turn { get; }
    }

    private sealed class Waiter
    {
        private readonly FairQueue _queue;
        private readonly TaskCompletionSource<Entry> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Waiter(FairQueue queue, Client client)
        {
            _queue = queue;
            Client = client;
            Node = new LinkedListNode<Waiter>(this);
        }

        public Client Client { get; }

        public LinkedListNode<Waiter> Node { get; }

        public Task<Entry> Task => _answer.Task;

        public void Answer(Entry entry) => _answer.TrySetResult(entry);

        public void Cancel(CancellationToken token)
        {
            lock (_queue._gate)
            {
                // It may have been served, or sent away, in the meantime: then that counts.
                if (Node.List is null)
                    return;
                Client.Waiting.Remove(Node);
                _queue._waiting--;
                if (Client.Waiting.Count == 0 && Client.Turn.List is not null)
                    _queue._turns.Remove(Client.Turn);
                _queue.Forget(Client);
            }

            _answer.TrySetCanceled(token);
        }
    }
}
