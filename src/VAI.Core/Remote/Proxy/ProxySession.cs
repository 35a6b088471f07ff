using System.Runtime.CompilerServices;
using VAI.OptionRules;
using VAI.Pipeline.Steps;
using VAI.Sessions;
using VAI.Text;

namespace VAI.Remote.Proxy;

/// <summary>
/// A session that another process computes. The log is here, so that yet another can go on with it: generated tokens are complements.
/// Whoever computes it learns of it with the first request. How that is asked is what the kinds of it differ in.
/// </summary>
internal abstract class ProxySession : IInferenceSession, IResumableSession
{
    private readonly Lock _gate = new();
    private readonly ProxyModel _model;
    private readonly CancellationTokenSource _closing;
    private readonly List<int> _log;
    private ProxyTransaction? _transaction;
    private int _committed;
    private bool _busy;
    private bool _disposed;

    /// <param name="model">The model, which counts the session from now on.</param>
    /// <param name="options">Checked options.</param>
    /// <param name="state">What it holds.</param>
    /// <param name="closing">Ends it with whoever it was opened by.</param>
    protected ProxySession(ProxyModel model, SessionOptions options, SessionState state, CancellationToken closing)
    {
        _model = model;
        Options = options;
        _closing = CancellationTokenSource.CreateLinkedTokenSource(closing);
        Closed = _closing.Token;
        _log = [.. state.Log];
        _committed = state.Committed;
        model.Count(1);
    }

    /// <summary>What the other process is told of a session beside its log.</summary>
    protected enum Verb
    {
        Commit,
        Rollback,
        Park,
        Rebuild,
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

    internal bool IsDisposed => _disposed || Closed.IsCancellationRequested;

    /// <summary>Ends with the session, or whoever it was opened by.</summary>
    internal CancellationToken Closed { get; }

    internal int Length => _log.Count;

    protected SessionOptions Options { get; }

    public IAsyncEnumerable<InferenceUpdate> InferAsync(
        string prompt, InferenceOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options = SessionCheck.Options(this, _disposed, options);
        return Run(new TextPrompt(prompt, null), [], [], options, cancellationToken);
    }

    public IAsyncEnumerable<InferenceUpdate> InferAsync(
        ChatPrompt prompt, InferenceOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options = SessionCheck.Options(this, _disposed, prompt.Over(options));
        return Run(TextPrompt.Of(prompt), [], [], options, cancellationToken);
    }

    public IAsyncEnumerable<InferenceUpdate> InferAsync(
        ReadOnlyMemory<int> prompt, InferenceOptions? options = null, CancellationToken cancellationToken = default) =>
        ResumeAsync(prompt, default, options ?? new InferenceOptions(), cancellationToken);

    public IAsyncEnumerable<InferenceUpdate> ResumeAsync(
        ReadOnlyMemory<int> prompt, ReadOnlyMemory<int> generated, InferenceOptions options, CancellationToken cancellationToken = default)
    {
        options = SessionCheck.Options(this, _disposed, options);
        return Run(null, SessionCheck.Tokens(this, prompt, "The prompt"), SessionCheck.Tokens(this, generated, "What was generated"), options, cancellationToken);
    }

    public ValueTask<IInferenceSession> ForkAsync(SessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= Options;
        OptionCheck.Session(options, _model);
        return ForkedAsync(options, cancellationToken);
    }

    public ValueTask CommitAsync(CancellationToken cancellationToken = default) =>
        DoAsync(Verb.Commit, () => _committed = _log.Count, cancellationToken);

    public ValueTask RollbackAsync(CancellationToken cancellationToken = default) =>
        DoAsync(Verb.Rollback, () => _log.RemoveRange(_committed, _log.Count - _committed), cancellationToken);

    public ValueTask ParkAsync(CancellationToken cancellationToken = default) => DoAsync(Verb.Park, null, cancellationToken);

    public ValueTask RebuildAsync(CancellationToken cancellationToken = default) => DoAsync(Verb.Rebuild, null, cancellationToken);

    public ValueTask SaveAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return SavedAsync(Path.GetFullPath(path), cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        bool ended;
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            ended = Closed.IsCancellationRequested;
        }

        await _closing.CancelAsync().ConfigureAwait(false);
        await LetGoAsync(ended).ConfigureAwait(false);
        _closing.Dispose();
    }

    /// <summary>A transaction has ended well, or was cancelled after its first token.</summary>
    internal void Append(IReadOnlyList<int> prompt, IEnumerable<int> generated)
    {
        _log.AddRange(prompt);
        foreach (int token in generated)
            _log.Add(~token);
    }

    /// <summary>Takes over what the other process holds after a transaction that was cancelled.</summary>
    internal void Adopt(SessionState state)
    {
        // Known complements are kept: the other process has them only where its profile needs them.
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
    }

    internal ObjectDisposedException Gone() => new(nameof(IInferenceSession), "The session was disposed while it was in use.");

    protected abstract ProxyTransaction Begin(
        TextPrompt? text, int[] prompt, int[] generated, InferenceOptions options, CancellationToken cancellationToken);

    /// <summary>Has a verb done, and then what goes with it here.</summary>
    protected abstract ValueTask DoAsync(Verb verb, Action? then, CancellationToken cancellationToken);

    protected abstract ValueTask<IInferenceSession> ForkedAsync(SessionOptions options, CancellationToken cancellationToken);

    protected abstract ValueTask SavedAsync(string path, CancellationToken cancellationToken);

    /// <summary>Has the session closed where it is computed, and the model count it no more. Does not throw.</summary>
    /// <param name="ended">Whether whoever it was opened by had ended before.</param>
    protected abstract ValueTask LetGoAsync(bool ended);

    /// <summary>What the other process has of it is not known: the next request says what the session holds.</summary>
    protected abstract void Lose();

    /// <summary>Does something that nothing else of the session runs beside.</summary>
    protected async ValueTask<T> ClaimedAsync<T>(Func<CancellationToken, Task<T>> act, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Claim();
        bool settled = false;
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Closed);
            T result = await act(either.Token).ConfigureAwait(false);
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
            if (!settled && !_disposed)
                Lose();
            Release();
        }
    }

    protected SessionState Snapshot() => new([.. _log], _committed);

    private async IAsyncEnumerable<InferenceUpdate> Run(
        TextPrompt? text,
        int[] prompt,
        int[] generated,
        InferenceOptions options,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Claim();
        ProxyTransaction transaction = Begin(text, prompt, generated, options, cancellationToken);
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

    private void Claim()
    {
        lock (_gate)
        {
            ThrowIfUnusable();
            _model.ThrowIfDisposed();
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
