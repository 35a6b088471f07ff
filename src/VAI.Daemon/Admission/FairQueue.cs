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
/// A bounded number of places, and a bounded number of those who wait for one. A request takes as many places as it costs. Each client waits in
/// a queue of its own and the clients take turns: for each place of its requests a client waits for at most one of each other client. Thread-safe.
/// </summary>
/// <remarks>
/// A client whose turn it is and whose next request costs more than one place saves its turns up (deficit round robin). What costs more than a
/// client's share waits until the client has nothing else; what costs more than there are places, until nobody has; and while the next in
/// turn waits for places nobody takes those that are free, so that nothing waits for ever.
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
    private readonly bool _counts;
    private (string Client, long At)? _left;
    private (string Client, long At)? _leftBefore;
    private TaskCompletionSource? _idle;
    private double _meanSeconds;
    private int _active;
    private int _waiting;
    private bool _blocked;
    private bool _draining;

    public FairQueue(AdmissionOptions options, TimeProvider? time = null)
        : this(options.MaxActive, options.MaxWaiting, options.Share, time, counts: true)
    {
    }

    /// <param name="maxActive">Places.</param>
    /// <param name="maxWaiting">Requests that wait for them.</param>
    /// <param name="share">What one client may have of that.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <param name="counts">Whether it is on the daemon's meter.</param>
    public FairQueue(int maxActive, int maxWaiting, (int Active, int BesideOthers, int Waiting) share, TimeProvider? time = null, bool counts = false) =>
        (_maxActive, _maxWaiting, _share, _time, _counts) = (maxActive, maxWaiting, share, time ?? TimeProvider.System, counts);

    /// <summary>Places that are taken.</summary>
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
    /// <param name="cost">Places that it takes, 1 or more.</param>
    /// <param name="cancellationToken">Leaves the queue at once.</param>
    /// <returns>Whether there is a place, which <see cref="Leave"/> gives back, and why not.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled; there is nothing to give back.</exception>
    public async ValueTask<Entry> EnterAsync(string client, int cost = 1, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Waiter waiter;
        lock (_gate)
        {
            if (_draining)
                return Entry.Draining;
            Client? known = _clients.GetValueOrDefault(client);
            if (Fits(cost) && !_blocked && (known is null || (known.Waiting.Count == 0 && MayHave(known, cost))))
            {
                Start(known ?? Add(client), cost);
                return Entry.Admitted;
            }

            if ((known?.Waiting.Count ?? 0) >= _share.Waiting)
                return Entry.ClientFull;
            if (_waiting >= _maxWaiting)
                return Entry.QueueFull;
            waiter = new Waiter(this, known ?? Add(client), cost);
            waiter.Client.Waiting.AddLast(waiter.Node);
            _waiting++;
            QueueForTurn(waiter.Client);
            ServeTurns();
        }

        if (_counts)
            AdmissionTelemetry.Queued(1);
        try
        {
            await using (cancellationToken.UnsafeRegister(static (w, token) => ((Waiter)w!).Cancel(token), waiter))
                return await waiter.Task;
        }
        finally
        {
            if (_counts)
                AdmissionTelemetry.Waiting(-1);
        }
    }

    /// <summary>Gives a place back.</summary>
    /// <param name="client">Who had it.</param>
    /// <param name="since"><see cref="Stopwatch.GetTimestamp"/> when it was taken, from which <see cref="RetryAfter"/> is estimated.</param>
    /// <param name="cost">As for <see cref="EnterAsync"/>.</param>
    public void Leave(string client, long since, int cost = 1)
    {
        double seconds = Stopwatch.GetElapsedTime(since).TotalSeconds;
        lock (_gate)
        {
            _meanSeconds += (seconds - _meanSeconds) / 16;
            Client c = _clients[client];
            c.Active -= Charge(cost);
            _active -= Charge(cost);
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
            _blocked = false;
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

    /// <summary>Whether a client has as many waiting as it may, so that what it sends need not be read.</summary>
    public bool IsFull(string client)
    {
        lock (_gate)
            return !_draining && _clients.GetValueOrDefault(client) is { } known && known.Waiting.Count >= _share.Waiting && !MayHave(known, 1);
    }

    // One that costs more than all places takes them all.
    private int Charge(int cost) => Math.Min(cost, _maxActive);

    private bool Fits(int cost) => _active + Charge(cost) <= _maxActive;

    private bool MayHave(Client client, int cost) => client.Active == 0 || client.Active + Charge(cost) <= ShareOf(client.Id);

    private void Start(Client client, int cost)
    {
        client.Active += Charge(cost);
        client.Saved = 0;
        _active += Charge(cost);
    }

    private int ShareOf(string client)
    {
        (string Client, long At)? other = _left?.Client == client ? _leftBefore : _left;
        bool others = _clients.Count > (_clients.ContainsKey(client) ? 1 : 0) || (other is { } o && _time.GetElapsedTime(o.At) < Lingers);
        return others ? _share.BesideOthers : _share.Active;
    }

    private void ServeTurns()
    {
        _blocked = false;
        while (_active < _maxActive && _turns.First is { } turn && !_blocked)
            Serve(turn.Value);
    }

    private void Serve(Client client)
    {
        // Its share may have become smaller; it gets its turn again when it leaves.
        Waiter waiter = client.Waiting.First!.Value;
        if (!MayHave(client, waiter.Cost))
        {
            _turns.Remove(client.Turn);
            return;
        }

        if (client.Saved + 1 < Charge(waiter.Cost) && _turns.Count > 1)
        {
            client.Saved++;
            _turns.Remove(client.Turn);
            _turns.AddLast(client.Turn);
            return;
        }

        if (!Fits(waiter.Cost))
        {
            // Its turn goes on until there are so many.
            client.Saved = Charge(waiter.Cost);
            _blocked = true;
            return;
        }

        _turns.Remove(client.Turn);
        client.Waiting.RemoveFirst();
        _waiting--;
        Start(client, waiter.Cost);
        QueueForTurn(client);
        waiter.Answer(Entry.Admitted);
    }

    private void QueueForTurn(Client client)
    {
        if (client.Turn.List is null && client.Waiting.Count > 0 && MayHave(client, client.Waiting.First!.Value.Cost))
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

        /// <summary>Turns that it has let go by for a request that costs more than one.</summary>
        public int Saved { get; set; }

        public LinkedList<Waiter> Waiting { get; } = new();

        public LinkedListNode<Client> Turn { get; }
    }

    private sealed class Waiter
    {
        private readonly FairQueue _queue;
        private readonly TaskCompletionSource<Entry> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Waiter(FairQueue queue, Client client, int cost)
        {
            _queue = queue;
            Client = client;
            Cost = cost;
            Node = new LinkedListNode<Waiter>(this);
        }

        public Client Client { get; }

        public int Cost { get; }

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
                Client.Saved = 0;
                _queue.Forget(Client);

                // It may have been what the others waited for.
                _queue.QueueForTurn(Client);
                _queue.ServeTurns();
            }

            _answer.TrySetCanceled(token);
        }
    }
}
