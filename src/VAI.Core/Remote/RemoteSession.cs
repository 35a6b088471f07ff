using System.Runtime.CompilerServices;
using VAI.OptionRules;
using VAI.Pipeline;
using VAI.Sessions;

namespace VAI.Remote;

/// <summary>
/// A session that a daemon computes. The log is here as well, so that another process can go on with it: generated tokens are
/// complements. The daemon learns of the session with the first request.
/// </summary>
internal sealed class RemoteSession : IInferenceSession, IResumableSession
{
    private readonly Lock _gate = new();
    private readonly RemoteModel _model;
    private readonly SessionOptions _options;
    private readonly CancellationTokenSource _closing;
    private readonly CancellationToken _closed;
    private readonly List<int> _log;
    private RemoteTransaction? _transaction;
    private int _committed;
    private bool _opened;
    private bool _told;
    private bool _busy;
    private bool _disposed;

    /// <param name="model">The model.</param>
    /// <param name="options">Checked options.</param>
    /// <param name="id">The daemon's name for it.</param>
    /// <param name="state">What it holds.</param>
    /// <param name="opened">Whether the daemon has it already.</param>
    public RemoteSession(RemoteModel model, SessionOptions options, string id, SessionState state, bool opened)
    {
        _model = model;
        _options = options;
        _closing = CancellationTokenSource.CreateLinkedTokenSource(model.Vai.Closing);
        _closed = _closing.Token;
        _log = [.. state.Log];
        _committed = state.Committed;
        _opened = _told = opened;
        Id = id;
        model.Count(1);
    }

    public IModelContext Model => _model;

    public int TokenCount => Volatile.Read(ref _transaction)?.TokenCount ?? _log.Count;

    public int CommittedCount => Volatile.Read(ref _committed);

    public IReadOnlyList<int> Tokens
    {
        get
        {
            lock (_gate)
            {
                ThrowIfUnusable();
                return _log.ConvertAll(Schedule.Id);
            }
        }
    }

    public SessionState State
    {
        get
        {
            lock (_gate)
            {
                ThrowIfUnusable();
                return Snapshot();
            }
        }
    }

    /// <summary>What the daemon knows it by.</summary>
    internal string Id { get; }

    internal RemoteModel RemoteModel => _model;

    internal bool IsDisposed => _disposed || _closed.IsCancellationRequested;

    /// <summary>Ends with the session, or its client.</summary>
    internal CancellationToken Closed => _closed;

    internal int Length => _log.Count;

    public IAsyncEnumerable<InferenceUpdate> InferAsync(
        string prompt, InferenceOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options = SessionCheck.Options(this, _disposed, options);
        return Run(prompt, default, default, options, cancellationToken);
    }

    public IAsyncEnumerable<InferenceUpdate> InferAsync(
        ReadOnlyMemory<int> prompt, InferenceOptions? options = null, CancellationToken cancellationToken = default) =>
        ResumeAsync(prompt, default, options ?? new InferenceOptions(), cancellationToken);

    public IAsyncEnumerable<InferenceUpdate> ResumeAsync(
        ReadOnlyMemory<int> prompt, ReadOnlyMemory<int> generated, InferenceOptions options, CancellationToken cancellationToken = default)
    {
        options = SessionCheck.Options(this, _disposed, options);
        SessionCheck.Tokens(this, prompt, generated);
        return Run(null, prompt, generated, options, cancellationToken);
    }

    public async ValueTask<IInferenceSession> ForkAsync(SessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= _options;
        OptionCheck.Session(options, _model);
        string child = Guid.NewGuid().ToString("N");
        return await VerbAsync<IInferenceSession>(
            "fork",
            path => RemoteLink.Post(path, new WireFork(child, options, _log.Count, OpenIfNeeded()), WireJson.Default.WireFork),
            () => new RemoteSession(_model, options, child, Snapshot(), opened: true),
            cancellationToken).ConfigureAwait(false);
    }

    public ValueTask CommitAsync(CancellationToken cancellationToken = default) =>
        DoAsync("commit", () => _committed = _log.Count, cancellationToken);

    public ValueTask RollbackAsync(CancellationToken cancellationToken = default) =>
        DoAsync("rollback", () => _log.RemoveRange(_committed, _log.Count - _committed), cancellationToken);

    public ValueTask ParkAsync(CancellationToken cancellationToken = default) => DoAsync("park", null, cancellationToken);

    public ValueTask RebuildAsync(CancellationToken cancellationToken = default) => DoAsync("rebuild", null, cancellationToken);

    public ValueTask SaveAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        path = Path.GetFullPath(path);
        return DoAsync("save", null, cancellationToken, (bytes, t) => RemoteFile.WriteAsync(path, bytes, t));
    }

    public async ValueTask DisposeAsync()
    {
        bool tell;
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            tell = _told && !_closed.IsCancellationRequested;
        }

        await _closing.CancelAsync().ConfigureAwait(false);
        _model.Count(-1);
        try
        {
            if (tell)
            {
                await _model.Vai.Link.AskAsync<object>(
                    () => new HttpRequestMessage(HttpMethod.Delete, $"vai/sessions/{Id}"), null, _model.Vai.Closing).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (RemoteLink.IsBreak(e) || e is VaiException or OperationCanceledException or ObjectDisposedException)
        {
            // The daemon is gone, and the session with it; or it closes the session when the client goes.
        }

        _closing.Dispose();
    }

    /// <summary>How the daemon is to open the session, if it may not have it.</summary>
    internal WireOpen? OpenIfNeeded()
    {
        if (_opened)
            return null;
        _told = true;
        _model.Vai.Attach();
        return new WireOpen(_model.Name, _options, Snapshot(), null, _model.Vai.ClientId);
    }

    /// <summary>Whether the daemon has the session, with the log that is here.</summary>
    internal void Opened(bool there) => _opened = there;

    /// <summary>Takes over what the daemon holds after a transaction that was cancelled.</summary>
    internal void Adopt(SessionState state)
    {
        // Known complements are kept: the daemon has them only where its profile needs them.
        if (state.Log.Count < _log.Count)
            _log.RemoveRange(state.Log.Count, _log.Count - state.Log.Count);
        for (int i = 0; i < state.Log.Count; i++)
        {
            if (i == _log.Count)
                _log.Add(state.Log[i]);
            else if (Schedule.Id(_log[i]) != Schedule.Id(state.Log[i]))
                _log[i] = state.Log[i];
        }

        _committed = state.Committed;
        _opened = true;
    }

    /// <summary>A transaction has ended well, or was cancelled after its first token.</summary>
    internal void Append(IReadOnlyList<int> prompt, List<int> generated)
    {
        _log.AddRange(prompt);
        foreach (int token in generated)
            _log.Add(~token);
    }

    internal ValueTask<bool> ReloadedAsync(VaiException refusal, CancellationToken cancellationToken) =>
        _model.Vai.Link.ReloadedAsync(_model.Name, refusal, cancellationToken);

    internal ObjectDisposedException Gone() => new(nameof(IInferenceSession), "The session was disposed while it was in use.");

    private async IAsyncEnumerable<InferenceUpdate> Run(
        string? text,
        ReadOnlyMemory<int> prompt,
        ReadOnlyMemory<int> generated,
        InferenceOptions options,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Claim();
        var transaction = new RemoteTransaction(this, text, prompt.ToArray(), generated.ToArray(), options, cancellationToken);
        Volatile.Write(ref _transaction, transaction);
        try
        {
            while (await transaction.MoveNextAsync().ConfigureAwait(false))
                yield return transaction.Current;
        }
        finally
        {
            await transaction.DisposeAsync().ConfigureAwait(false);
            Volatile.Write(ref _transaction, null);
            Release();
        }
    }

    private async ValueTask DoAsync(
        string verb, Action? then, CancellationToken cancellationToken, Func<Stream, CancellationToken, Task>? receive = null) => await VerbAsync<object?>(
        verb,
        url => RemoteLink.Post(url, new WireVerb(null, _log.Count, OpenIfNeeded()), WireJson.Default.WireVerb),
        () =>
        {
            then?.Invoke();
            return null;
        },
        cancellationToken,
        receive).ConfigureAwait(false);

    private async ValueTask<T> VerbAsync<T>(
        string verb, Func<string, HttpRequestMessage> request, Func<T> then, CancellationToken cancellationToken,
        Func<Stream, CancellationToken, Task>? receive = null)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Claim();
        bool settled = false;
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closed);
            await _model.Vai.Link.RepeatAsync(
                _model.Name,
                async () =>
                {
                    try
                    {
                        return await AskAsync(either.Token).ConfigureAwait(false);
                    }
                    catch (Exception e) when (RemoteLink.IsBreak(e))
                    {
                        _opened = false;
                        throw;
                    }
                    catch (VaiUsageException e) when (e.Code is VaiError.UnknownSession && _opened)
                    {
                        _opened = false;
                        return await AskAsync(either.Token).ConfigureAwait(false);
                    }
                },
                either.Token).ConfigureAwait(false);
            _opened = settled = true;
            return then();
        }
        catch (Exception) when (_disposed)
        {
            throw Gone();
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        finally
        {
            // What the daemon has made of it is not known: the next request says what the session holds.
            if (!settled)
                _opened = false;
            Release();
        }

        Task<object> AskAsync(CancellationToken either) => receive is null
            ? _model.Vai.Link.AskAsync<object>(() => request($"vai/sessions/{Id}/{verb}"), null, either)
            : _model.Vai.Link.ReceiveAsync(() => request($"vai/sessions/{Id}/{verb}"), receive, either);
    }

    private SessionState Snapshot() => new([.. _log], _committed);

    private void Claim()
    {
        lock (_gate)
        {
            ThrowIfUnusable();
            _model.Vai.ThrowIfDisposed();
            _busy = true;
        }
    }

    private void Release()
    {
        lock (_gate)
            _busy = false;
    }

    private void ThrowIfUnusable() => SessionCheck.Usable(this, _disposed, busy: _busy);
}
