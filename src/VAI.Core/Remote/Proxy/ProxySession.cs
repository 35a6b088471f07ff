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
internal abstract class ProxySession : LoggedSession
{
    private readonly ProxyModel _model;
    private readonly CancellationTokenSource _closing;
    private ProxyTransaction? _transaction;
    private bool _busy;

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
        Log.AddRange(state.Log);
        Committed = state.Committed;
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

    public override IModelContext Model => _model;

    public override int TokenCount => Volatile.Read(ref _transaction)?.TokenCount ?? Log.Count;

    internal bool IsDisposed => WasDisposed || Closed.IsCancellationRequested;

    /// <summary>Ends with the session, or whoever it was opened by.</summary>
    internal CancellationToken Closed { get; }

    internal int Length => Log.Count;

    protected SessionOptions Options { get; }

    protected override bool IsBusy => _busy;

    public override ValueTask<IInferenceSession> ForkAsync(SessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= Options;
        OptionCheck.Session(options, _model);
        return ForkedAsync(options, cancellationToken);
    }

    public override ValueTask CommitAsync(CancellationToken cancellationToken = default) =>
        DoAsync(Verb.Commit, Commit, cancellationToken);

    public override ValueTask RollbackAsync(CancellationToken cancellationToken = default) =>
        DoAsync(Verb.Rollback, Rollback, cancellationToken);

    public override ValueTask ParkAsync(CancellationToken cancellationToken = default) => DoAsync(Verb.Park, null, cancellationToken);

    public override ValueTask RebuildAsync(CancellationToken cancellationToken = default) => DoAsync(Verb.Rebuild, null, cancellationToken);

    public override ValueTask SaveAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return SavedAsync(Path.GetFullPath(path), cancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        if (!TryDispose())
            return;
        bool ended = Closed.IsCancellationRequested;
        await _closing.CancelAsync().ConfigureAwait(false);
        await LetGoAsync(ended).ConfigureAwait(false);
        _closing.Dispose();
    }

    /// <summary>A transaction has ended well, or was cancelled after its first token.</summary>
    internal void Append(IReadOnlyList<int> prompt, IEnumerable<int> generated)
    {
        Log.AddRange(prompt);
        foreach (int token in generated)
            Log.Add(~token);
    }

    /// <summary>Takes over what the other process holds after a transaction that was cancelled.</summary>
    internal void Adopt(SessionState state)
    {
        // Known complements are kept: the other process has them only where its profile needs them.
        if (state.Log.Count < Log.Count)
            Log.RemoveRange(state.Log.Count, Log.Count - state.Log.Count);
        for (int i = 0; i < state.Log.Count; i++)
        {
            if (i == Log.Count)
                Log.Add(state.Log[i]);
            else if (Schedule.Id(Log[i]) != Schedule.Id(state.Log[i]))
                Log[i] = state.Log[i];
        }

        Committed = state.Committed;
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
        catch (Exception) when (WasDisposed)
        {
            throw Gone();
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        finally
        {
            if (!settled && !WasDisposed)
                Lose();
            Release();
        }
    }

    protected override async IAsyncEnumerable<InferenceUpdate> Run(
        TextPrompt? text, int[] prompt, int[] generated, InferenceOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
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
        lock (Gate)
        {
            ThrowIfUnusable();
            _model.ThrowIfDisposed();
            _busy = true;
        }
    }

    private void Release()
    {
        lock (Gate)
            _busy = false;
    }
}
