using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;
using VAI.Daemon.Supervision.Link;
using VAI.OptionRules;
using VAI.Pipeline;
using VAI.Remote;
using VAI.Sessions;

namespace VAI.Daemon.Supervision.Proxy;

/// <summary>
/// A session that an engine computes. The log is here, so that another engine can go on with it: generated tokens are complements. An
/// engine learns of the session with the first request that it gets.
/// </summary>
internal sealed class EngineSession : IInferenceSession, IResumableSession
{
    private readonly Lock _gate = new();
    private readonly EngineModel _model;
    private readonly SessionOptions _options;
    private readonly CancellationTokenSource _closing;
    private readonly List<int> _log;
    private EngineTransaction? _transaction;
    private SessionPlace? _place;
    private int _committed;
    private bool _busy;
    private bool _disposed;

    /// <param name="model">The model.</param>
    /// <param name="options">Checked options.</param>
    /// <param name="state">What it holds.</param>
    /// <param name="place">Where an engine has it, with that; null for nowhere.</param>
    public EngineSession(EngineModel model, SessionOptions options, SessionState state, SessionPlace? place = null)
    {
        _model = model;
        _options = options;
        _closing = CancellationTokenSource.CreateLinkedTokenSource(model.Vai.Closing);
        Closed = _closing.Token;
        _log = [.. state.Log];
        _committed = state.Committed;
        _place = place;
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

    internal EngineModel EngineModel => _model;

    internal bool IsDisposed => _disposed || Closed.IsCancellationRequested;

    /// <summary>Ends with the session, or the daemon.</summary>
    internal CancellationToken Closed { get; }

    internal int Length => _log.Count;

    internal int Credit => _options.BufferedUpdates;

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
        return await VerbAsync<IInferenceSession>(
            async (place, open, request, token) =>
            {
                ulong child = place.Link.NextSession();
                await CallAsync(
                    LinkMethod.Fork, place, new WireFork(child.ToString(System.Globalization.CultureInfo.InvariantCulture), options, At(open), open),
                    WireJson.Default.WireFork, request, token).ConfigureAwait(false);
                return new EngineSession(_model, options, Snapshot(), new SessionPlace(place.Link, child));
            },
            cancellationToken).ConfigureAwait(false);
    }

    public ValueTask CommitAsync(CancellationToken cancellationToken = default) =>
        DoAsync(LinkMethod.Commit, null, () => _committed = _log.Count, cancellationToken);

    public ValueTask RollbackAsync(CancellationToken cancellationToken = default) =>
        DoAsync(LinkMethod.Rollback, null, () => _log.RemoveRange(_committed, _log.Count - _committed), cancellationToken);

    public ValueTask ParkAsync(CancellationToken cancellationToken = default) => DoAsync(LinkMethod.Park, null, null, cancellationToken);

    public ValueTask RebuildAsync(CancellationToken cancellationToken = default) => DoAsync(LinkMethod.Rebuild, null, null, cancellationToken);

    public ValueTask SaveAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return DoAsync(LinkMethod.Save, Path.GetFullPath(path), null, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
        }

        await _closing.CancelAsync().ConfigureAwait(false);
        if (_place is { } place)
        {
            try
            {
                // So that who is told that it is closed finds its place free.
                await place.Link.CallAsync(
                    new CallHead(LinkMethod.Close, 0, place.Number), new WireVerb(null, null, null), WireJson.Default.WireVerb, _model.Vai.Closing).ConfigureAwait(false);
            }
            catch (Exception e) when (e is VaiException or IOException or OperationCanceledException or ObjectDisposedException)
            {
                // The engine is gone, and the session with it.
            }
        }

        _model.Count(-1);
        _closing.Dispose();
    }

    /// <summary>Where it is at that engine, and how it is to be opened there if it is not.</summary>
    internal (SessionPlace Place, WireOpen? Open) PlaceAt(EngineLink link)
    {
        if (_place is { } place && place.Link == link)
            return (place, null);
        Leave();
        return (new SessionPlace(link, link.NextSession()), new WireOpen(_model.Name, _options, Snapshot(), null, null));
    }

    /// <summary>An engine has it, with the log that is here.</summary>
    internal void Settle(SessionPlace place) => _place = place;

    /// <summary>What an engine has of it is not known, or not what is here: the next request opens it anew.</summary>
    internal void Leave()
    {
        if (_place is { } place && !place.Link.HasEnded)
            place.Link.Forget(place.Number);
        _place = null;
    }

    /// <summary>A transaction has ended well, or was cancelled after its first token.</summary>
    internal void Append(IReadOnlyList<int> prompt, IEnumerable<int> generated)
    {
        _log.AddRange(prompt);
        foreach (int token in generated)
            _log.Add(~token);
    }

    internal ObjectDisposedException Gone() => new(nameof(IInferenceSession), "The session was disposed while it was in use.");

    private static int? At(WireOpen? open, int length) => open is null ? length : null;

    private int? At(WireOpen? open) => At(open, _log.Count);

    private async IAsyncEnumerable<InferenceUpdate> Run(
        string? text,
        ReadOnlyMemory<int> prompt,
        ReadOnlyMemory<int> generated,
        InferenceOptions options,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Claim();
        var transaction = new EngineTransaction(this, text, prompt.ToArray(), generated.ToArray(), options, cancellationToken);
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

    private async ValueTask DoAsync(LinkMethod method, string? path, Action? then, CancellationToken cancellationToken) => await VerbAsync<object?>(
        async (place, open, request, token) =>
        {
            await CallAsync(method, place, new WireVerb(path, At(open), open), WireJson.Default.WireVerb, request, token).ConfigureAwait(false);
            then?.Invoke();
            return null;
        },
        cancellationToken).ConfigureAwait(false);

    private async ValueTask<T> VerbAsync<T>(
        Func<SessionPlace, WireOpen?, Request, CancellationToken, Task<T>> verb, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Claim();
        bool settled = false;
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Closed);
            T result = await _model.Vai.AskAsync(
                new Request(_model.Name),
                async (link, request, token) =>
                {
                    (SessionPlace place, WireOpen? open) = PlaceAt(link);
                    _place = place;
                    return await verb(place, open, request, token).ConfigureAwait(false);
                },
                either.Token).ConfigureAwait(false);
            settled = true;
            return result;
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
            // What the engine has made of it is not known: the next request says what the session holds.
            if (!settled && !_disposed)
                Leave();
            Release();
        }
    }

    private static Task CallAsync<TBody>(
        LinkMethod method, SessionPlace place, TBody body, JsonTypeInfo<TBody> type, Request request, CancellationToken cancellationToken) =>
        place.Link.CallAsync(new CallHead(method, 0, place.Number), body, type, cancellationToken, request);

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
