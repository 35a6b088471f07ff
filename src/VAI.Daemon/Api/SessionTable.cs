using System.Collections.Concurrent;
using VAI.Daemon.Access;
using VAI.OptionRules;
using VAI.Remote.Wire;
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
    private readonly Dictionary<string, int> _shares = new(StringComparer.Ordinal);
    private readonly TimeProvider _time;
    private readonly TimeSpan _grace;
    private readonly TimeSpan? _idle;
    private readonly ITimer? _sweep;
    private readonly int _most;
    private readonly int _share;

    /// <param name="grace">How long the sessions of a client that hung up are kept; null for 10 seconds.</param>
    /// <param name="most">Most sessions.</param>
    /// <param name="share">Most sessions of one client; null for all.</param>
    /// <param name="idle">After how long a session is closed that nobody uses and whose client holds no lease; null for never.</param>
    /// <param name="time">The clock; null for the system's.</param>
    public SessionTable(TimeSpan? grace = null, int most = 65_536, int? share = null, TimeSpan? idle = null, TimeProvider? time = null)
    {
        _grace = grace ?? TimeSpan.FromSeconds(10);
        _most = most;
        _share = share ?? most;
        _idle = idle;
        _time = time ?? TimeProvider.System;
        Closing = _closing.Token;
        if (idle is { } after)
        {
            TimeSpan every = TimeSpan.FromSeconds(Math.Clamp(after.TotalSeconds / 4, 0.25, 60));
            _sweep = _time.CreateTimer(_ => Sweep(), null, every, every);
        }
    }

    /// <summary>Cancelled when the table is being closed: leases end.</summary>
    public CancellationToken Closing { get; }

    /// <summary>Told of each client whose sessions were closed because it went away.</summary>
    public Action<string>? ClientGone { get; set; }

    /// <summary>What of it a caller may see; null for one that sees all.</summary>
    public IReadOnlyList<WireSessionInfo> List(Caller? caller = null) =>
        [.. _entries.Values.Where(e => e.IsOf(caller)).Select(e => e.Info()).OfType<WireSessionInfo>()];

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
    /// <param name="caller">Who asks; null for one whose are all.</param>
    /// <exception cref="VaiException"><see cref="VaiError.UnknownSession"/>, or as for opening.</exception>
    public async ValueTask<SessionEntry> TakeAsync(
        IVai vai, string id, WireOpen? open, int? at, CancellationToken cancellationToken, Caller? caller = null)
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
                entry = Add(id, caller, null, null);
            }

            // As if it were not there.
            if (!entry.IsOf(caller))
                throw Unknown(id);

            await entry.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                if (entry.Removed)
                {
                    entry.Release();
                    continue;
                }

                await OpenAsync(vai, entry, open, at, cancellationToken, caller).ConfigureAwait(false);
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
    public async ValueTask AddAsync(string id, string? client, IInferenceSession session, Caller? caller = null)
    {
        try
        {
            CheckId(id);
            await RemoveAsync(id, caller).ConfigureAwait(false);
            if (Add(id, caller, client, session).Session != session)
                throw new VaiUsageException(VaiError.SessionBusy, $"There is a session '{id}', or another request is opening it. Choose another id.");
            Own(client, caller);
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Closes a session, and what it runs; false if there is none.</summary>
    public async ValueTask<bool> RemoveAsync(string id, Caller? caller = null)
    {
        if (!_entries.TryGetValue(id, out SessionEntry? entry) || !entry.IsOf(caller))
            return false;
        Remove(entry);
        if (entry.Session is { } session)
            await session.DisposeAsync().ConfigureAwait(false);
        return true;
    }

    /// <summary>A client is there, until what this returns is disposed.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.UnknownSession"/>: the id is another's.</exception>
    public IDisposable Lease(string id, Caller? caller = null)
    {
        CheckId(id);
        lock (_clients)
        {
            if (!_clients.TryGetValue(id, out Client? client))
                _clients[id] = client = new Client(caller?.Owner);
            else if (!client.IsOf(caller))
                throw UnknownClient(id);
            client.Leases++;
            client.Going?.Cancel();
            client.Going = null;
        }

        return new Held(this, id);
    }

    /// <summary>Closes a client's sessions at once.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.UnknownSession"/>: the id is another's.</exception>
    public async Task LeaveAsync(string id, Caller? caller = null)
    {
        lock (_clients)
        {
            if (_clients.TryGetValue(id, out Client? client))
            {
                if (!client.IsOf(caller))
                    throw UnknownClient(id);
                _clients.Remove(id);
                client.Going?.Cancel();
            }
        }

        foreach (SessionEntry entry in _entries.Values.Where(e => e.Client == id))
            await RemoveAsync(entry.Id, caller).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (_sweep is not null)
            await _sweep.DisposeAsync().ConfigureAwait(false);
        await _closing.CancelAsync().ConfigureAwait(false);
        foreach (string id in _entries.Keys)
            await RemoveAsync(id).ConfigureAwait(false);
    }

    /// <summary>The entry of that id, made if there is none.</summary>
    private SessionEntry Add(string id, Caller? caller, string? client, IInferenceSession? session)
    {
        lock (_shares)
        {
            if (_entries.TryGetValue(id, out SessionEntry? there))
                return there;
            if (_entries.Count >= _most)
                throw new VaiEngineException(VaiError.Overloaded, $"There are {_most} sessions open, which is the limit. Close some.");
            string? share = caller?.Client;
            int open = share is null ? 0 : _shares.GetValueOrDefault(share);
            if (open >= _share)
                throw new VaiEngineException(VaiError.Overloaded, $"This client has {open} sessions open, which is the most that one may have. Close some.");
            if (share is not null)
                _shares[share] = open + 1;
            return _entries[id] = new SessionEntry(id, _time) { Owner = caller?.Owner, Share = share, Client = client, Session = session };
        }
    }

    // What nobody would ever close.
    private void Sweep()
    {
        foreach (SessionEntry entry in _entries.Values)
        {
            if (entry.Client is null && _time.GetElapsedTime(entry.Used) >= _idle && entry.TryTake())
                _ = CloseAsync(entry);
        }
    }

    private async Task CloseAsync(SessionEntry entry)
    {
        try
        {
            await RemoveAsync(entry.Id).ConfigureAwait(false);
        }
        catch (Exception e) when (e is VaiException or OperationCanceledException or ObjectDisposedException or IOException)
        {
            // It is out of the table.
        }
        finally
        {
            entry.Release();
        }
    }

    private async ValueTask OpenAsync(
        IVai vai, SessionEntry entry, WireOpen? open, int? at, CancellationToken cancellationToken, Caller? caller)
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
            Own(open.Client, caller);
            entry.Session = open switch
            {
                { File: { } file } => await model.RestoreSessionAsync(file, open.Options, cancellationToken).ConfigureAwait(false),
                { State: { } state } => ((IRebuildableModel)model).OpenSession(
                    open.Options, state with { Log = ApiJson.Needed(state.Log, "log") }),
                _ => model.OpenSession(open.Options),
            };
            entry.Client = open.Client;
        }

        if (at is { } count && entry.Session.TokenCount != count)
            throw Unknown(entry.Id);
    }

    // A client that opens a session before its lease has come has the grace for that.
    private void Own(string? id, Caller? caller)
    {
        if (id is null)
            return;
        CheckId(id);
        lock (_clients)
        {
            if (_clients.TryGetValue(id, out Client? there))
            {
                if (!there.IsOf(caller))
                    throw UnknownClient(id);
                return;
            }

            var client = new Client(caller?.Owner);
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
        lock (_shares)
        {
            if (!_entries.TryRemove(new KeyValuePair<string, SessionEntry>(entry.Id, entry)) || entry.Share is not { } share)
                return;
            if (--_shares[share] == 0)
                _shares.Remove(share);
        }
    }

    private static void CheckId(string id)
    {
        OptionCheck.Range(id.Length, 1, MaxId, "The length of an id");
        if (!id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
            throw OptionCheck.Invalid("An id has letters, digits, hyphens and underscores only.");
    }

    private static VaiUsageException Unknown(string id) => new(
        VaiError.UnknownSession, $"There is no session '{id}' here, or it holds something else: it was closed, or the daemon was started anew. Open it.");

    private static VaiUsageException UnknownClient(string id) => new(VaiError.UnknownSession, $"There is no client '{id}' here.");

    private sealed class Client(string? owner)
    {
        public bool IsOf(Caller? caller) => caller is null || caller.IsAdmin || owner is null || owner == caller.Owner;

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
