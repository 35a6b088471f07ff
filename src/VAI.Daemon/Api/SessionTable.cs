using System.Collections.Concurrent;
using VAI.OptionRules;
using VAI.Remote;
using VAI.Sessions;

namespace VAI.Daemon.Api;

/// <summary>
/// The sessions that clients have opened, by the ids that they chose, and the leases that say which clients are still there. Thread-safe.
/// </summary>
internal sealed class SessionTable : IAsyncDisposable
{
    private const int MaxId = 64;

    private readonly ConcurrentDictionary<string, SessionEntry> _entries = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _generated = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Client> _clients = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _closing = new();
    private readonly TimeSpan _grace;
    private readonly int _most;

    /// <param name="grace">How long the sessions of a client that hung up are kept; null for 10 seconds.</param>
    /// <param name="most">Most sessions.</param>
    public SessionTable(TimeSpan? grace = null, int most = 65_536)
    {
        _grace = grace ?? TimeSpan.FromSeconds(10);
        _most = most;
        Closing = _closing.Token;
    }

    /// <summary>Cancelled when the table is being closed: leases end.</summary>
    public CancellationToken Closing { get; }

    /// <summary>Told of each client whose sessions were closed because it went away.</summary>
    public Action<string>? ClientGone { get; set; }

    public IReadOnlyList<WireSessionInfo> List() => [.. _entries.Values.Select(e => e.Info()).OfType<WireSessionInfo>()];

    /// <summary>Counts tokens that a model has generated.</summary>
    public void Generated(string model, long tokens) => _generated.AddOrUpdate(model, tokens, (_, sum) => sum + tokens);

    /// <summary>Tokens that a model has generated for ended transactions.</summary>
    public long GeneratedBy(string model) => _generated.GetValueOrDefault(model);

    /// <summary>A session for one request, once nobody else has it.</summary>
    /// <param name="vai">Opens it if need be.</param>
    /// <param name="id">1 to 64 letters, digits, hyphens and underscores.</param>
    /// <param name="open">How it is opened if it is not there, or holds something else; null to refuse then.</param>
    /// <param name="at">How many tokens it must hold; null for any number.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="VaiException"><see cref="VaiError.UnknownSession"/>, or as for opening.</exception>
    public async ValueTask<SessionEntry> TakeAsync(IVai vai, string id, WireOpen? open, int? at, CancellationToken cancellationToken)
    {
        CheckId(id);
        while (true)
        {
            ObjectDisposedException.ThrowIf(Closing.IsCancellationRequested, this);
            SessionEntry? entry = _entries.GetValueOrDefault(id);
            if (entry is null)
            {
                if (open is null)
                    throw Unknown(id);
                if (_entries.Count >= _most)
                    throw new VaiEngineException(VaiError.Overloaded, $"There are {_most} sessions open, which is the limit. Close some.");
                entry = _entries.GetOrAdd(id, i => new SessionEntry(i));
            }

            await entry.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                if (entry.Removed)
                {
                    entry.Release();
                    continue;
                }

                await OpenAsync(vai, entry, open, at, cancellationToken).ConfigureAwait(false);
                if (!entry.Removed)
                    return entry;

                // Closed while it was being opened.
                await entry.Session!.DisposeAsync().ConfigureAwait(false);
                throw Unknown(id);
            }
            catch
            {
                // One that could not be opened is not there.
                if (entry.Session is null)
                    Remove(entry);
                entry.Release();
                throw;
            }
        }
    }

    /// <summary>Adds a session that was made of another.</summary>
    public async ValueTask AddAsync(string id, string? client, IInferenceSession session)
    {
        try
        {
            CheckId(id);
            await RemoveAsync(id).ConfigureAwait(false);
            if (!_entries.TryAdd(id, new SessionEntry(id) { Client = client, Session = session }))
                throw new VaiUsageException(VaiError.SessionBusy, $"Another request is opening session '{id}'. Choose another id.");
            Own(client);
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Closes a session, and what it runs; false if there is none.</summary>
    public async ValueTask<bool> RemoveAsync(string id)
    {
        if (!_entries.TryGetValue(id, out SessionEntry? entry))
            return false;
        Remove(entry);
        if (entry.Session is { } session)
            await session.DisposeAsync().ConfigureAwait(false);
        return true;
    }

    /// <summary>A client is there, until what this returns is disposed.</summary>
    public IDisposable Lease(string id)
    {
        CheckId(id);
        lock (_clients)
        {
            if (!_clients.TryGetValue(id, out Client? client))
                _clients[id] = client = new Client();
            client.Leases++;
            client.Going?.Cancel();
            client.Going = null;
        }

        return new Held(this, id);
    }

    /// <summary>Closes a client's sessions at once.</summary>
    public async Task LeaveAsync(string id)
    {
        lock (_clients)
        {
            if (_clients.Remove(id, out Client? client))
                client.Going?.Cancel();
        }

        foreach (SessionEntry entry in _entries.Values.Where(e => e.Client == id))
            await RemoveAsync(entry.Id).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        foreach (string id in _entries.Keys)
            await RemoveAsync(id).ConfigureAwait(false);
    }

    private async ValueTask OpenAsync(IVai vai, SessionEntry entry, WireOpen? open, int? at, CancellationToken cancellationToken)
    {
        if (open is not null && entry.Session is { } other && !entry.Holds(open))
        {
            // What it ran was interrupted, and is asked for again.
            entry.Session = null;
            await other.DisposeAsync().ConfigureAwait(false);
        }

        if (entry.Session is null)
        {
            if (open is null)
                throw Unknown(entry.Id);
            IModelContext model = vai.Select(ApiJson.Needed(open.Model, "model"));
            entry.Session = open switch
            {
                { Path: { } path } => await model.RestoreSessionAsync(path, open.Options, cancellationToken).ConfigureAwait(false),
                { State: { } state } => ((IRebuildableModel)model).OpenSession(
                    open.Options, state with { Log = ApiJson.Needed(state.Log, "log") }),
                _ => model.OpenSession(open.Options),
            };
            entry.Client = open.Client;
            Own(open.Client);
        }

        if (at is { } count && entry.Session.TokenCount != count)
            throw Unknown(entry.Id);
    }

    // A client that opens a session before its lease has come has the grace for that.
    private void Own(string? id)
    {
        if (id is null)
            return;
        CheckId(id);
        lock (_clients)
        {
            if (_clients.ContainsKey(id))
                return;
            var client = new Client();
            _clients[id] = client;
            Leave(id, client);
        }
    }

    private void Leave(string id, Client client)
    {
        var going = CancellationTokenSource.CreateLinkedTokenSource(Closing);
        client.Going = going;
        _ = LeaveLaterAsync(id, going);
    }

    private async Task LeaveLaterAsync(string id, CancellationTokenSource going)
    {
        using (going)
        {
            try
            {
                await Task.Delay(_grace, going.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            lock (_clients)
            {
                if (_clients.GetValueOrDefault(id)?.Going != going)
                    return;
                _clients[id].Going = null;
            }
        }

        await LeaveAsync(id).ConfigureAwait(false);
        ClientGone?.Invoke(id);
    }

    private void Return(string id)
    {
        lock (_clients)
        {
            if (_clients.TryGetValue(id, out Client? client) && --client.Leases == 0 && !Closing.IsCancellationRequested)
                Leave(id, client);
        }
    }

    private void Remove(SessionEntry entry)
    {
        entry.Removed = true;
        _entries.TryRemove(new KeyValuePair<string, SessionEntry>(entry.Id, entry));
    }

    private static void CheckId(string id)
    {
        OptionCheck.Range(id.Length, 1, MaxId, "The length of an id");
        if (!id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
            throw OptionCheck.Invalid("An id has letters, digits, hyphens and underscores only.");
    }

    private static VaiUsageException Unknown(string id) => new(
        VaiError.UnknownSession, $"There is no session '{id}' here, or it holds something else: it was closed, or the daemon was started anew. Open it.");

    private sealed class Client
    {
        public int Leases { get; set; }

        /// <summary>Cancelled when it comes back in time.</summary>
        public CancellationTokenSource? Going { get; set; }
    }

    private sealed class Held(SessionTable table, string id) : IDisposable
    {
        private int _returned;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _returned, 1) == 0)
                table.Return(id);
        }
    }
}
