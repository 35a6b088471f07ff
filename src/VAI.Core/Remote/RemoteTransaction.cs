using VAI.Sessions;

namespace VAI.Remote;

/// <summary>
/// One InferAsync at a daemon. If the connection breaks it is asked for again, with what was handed over already, and goes on
/// behind that.
/// </summary>
internal sealed class RemoteTransaction : IAsyncDisposable
{
    private readonly RemoteSession _session;
    private readonly string? _text;
    private readonly List<int> _generated;
    private readonly InferenceOptions _options;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenSource _either;
    private readonly int _before;
    private IReadOnlyList<int>? _prompt;
    private RemoteEvents<WireUpdate>? _events;
    private int _count;
    private int _breaks;
    private bool _sent;
    private bool _settled;

    public RemoteTransaction(
        RemoteSession session, string? text, int[] prompt, int[] generated, InferenceOptions options, CancellationToken cancellationToken)
    {
        _session = session;
        _text = text;
        _prompt = text is null ? prompt : null;
        _generated = [.. generated];
        _before = session.Length;
        _count = _before + prompt.Length + generated.Length;
        _cancellationToken = cancellationToken;
        _either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, session.Closed);

        // Another process goes on with the same random numbers.
        _options = options with { Seed = SamplerFactory.Seed(options) };
    }

    /// <summary>Tokens of the session as the reader may see them.</summary>
    public int TokenCount => Volatile.Read(ref _count);

    public InferenceUpdate Current { get; private set; }

    public async ValueTask<bool> MoveNextAsync()
    {
        while (!_settled)
        {
            Exception cause;
            try
            {
                _events ??= await AskAsync().ConfigureAwait(false);
                if (!await _events.MoveNextAsync().ConfigureAwait(false))
                    throw new InterruptedException("The stream ended before the transaction did.");
                if (Take(_events.Current))
                    return true;
                continue;
            }
            catch (VaiUsageException e) when (e.Code is VaiError.UnknownSession && _breaks <= RemoteLink.MaxBreaks)
            {
                // It was closed meanwhile, or holds something else: asked again, it is opened anew.
                _breaks++;
                await CloseAsync().ConfigureAwait(false);
                _session.Opened(false);
                continue;
            }
            catch (Exception) when (_session.IsDisposed)
            {
                throw _session.Gone();
            }
            catch (OperationCanceledException) when (_cancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException(_cancellationToken);
            }
            catch (Exception e) when (RemoteLink.IsBreak(e))
            {
                // Cancelled and broken at once is cancelled.
                _cancellationToken.ThrowIfCancellationRequested();
                cause = e;
            }
            catch (VaiException e)
            {
                // It may have come as an event.
                await CloseAsync().ConfigureAwait(false);
                if (++_breaks <= RemoteLink.MaxBreaks && await _session.ReloadedAsync(e, _either.Token).ConfigureAwait(false))
                    continue;

                // Refused: it has not happened, there and here.
                _settled = true;
                throw;
            }

            await RecoverAsync(cause).ConfigureAwait(false);
        }

        return false;
    }

    /// <summary>Hangs up, if it has not ended, and finds out what the session holds now.</summary>
    public async ValueTask DisposeAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        bool cancelled = !_settled && _sent && !_session.IsDisposed;
        _either.Dispose();
        if (cancelled)
            await SettleAsync().ConfigureAwait(false);
    }

    private async Task<RemoteEvents<WireUpdate>> AskAsync()
    {
        _sent = true;
        WireOpen? open = _session.OpenIfNeeded();
        var infer = new WireInfer(
            _prompt is null ? _text : null, _prompt, _generated.Count == 0 ? null : _generated, _options, open is null ? _before : null, open);
        RemoteEvents<WireUpdate> events = await _session.RemoteModel.Vai.Link.StreamAsync(
            RemoteLink.Post($"vai/sessions/{_session.Id}/infer", infer, WireJson.Default.WireInfer), WireJson.Default.WireUpdate, _either.Token)
            .ConfigureAwait(false);
        _session.Opened(true);
        return events;
    }

    /// <summary>Whether it is one to hand over.</summary>
    private bool Take(WireUpdate update)
    {
        if (update.Error is { } error)
        {
            if (WireErrors.IsInterruption(error))
                throw new InterruptedException(error.Message);

            throw WireErrors.ToException(error);
        }

        if (update.Prompt is { } prompt)
        {
            _prompt ??= prompt;
            Volatile.Write(ref _count, _before + _prompt.Count + _generated.Count);
            return false;
        }

        _breaks = 0;
        Current = new InferenceUpdate(update.Text ?? "", update.Token ?? -1, update.Result) { LogProbabilities = update.LogProbabilities };
        if (update.Result is not null)
        {
            _session.Append(_prompt ?? [], _generated);
            _settled = true;
            return true;
        }

        _generated.Add(Current.TokenId);
        Volatile.Write(ref _count, _count + 1);
        return true;
    }

    private async Task RecoverAsync(Exception cause)
    {
        await CloseAsync().ConfigureAwait(false);
        _session.Opened(false);
        try
        {
            await _session.RemoteModel.Vai.Link.RecoverAsync(_session.RemoteModel.Name, ++_breaks, cause, _either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw _session.IsDisposed ? _session.Gone() : new OperationCanceledException(_cancellationToken);
        }
        catch
        {
            // A transaction that fails has not happened.
            _settled = true;
            throw;
        }
    }

    private async Task SettleAsync()
    {
        try
        {
            // Answered when the daemon has let go of the session.
            _session.Adopt((await _session.RemoteModel.Vai.Link.AskAsync(
                () => new HttpRequestMessage(HttpMethod.Get, $"vai/sessions/{_session.Id}"), WireJson.Default.WireSession, _session.Closed)
                .ConfigureAwait(false)).State);
        }
        catch (Exception e) when (RemoteLink.IsBreak(e) || e is VaiException or OperationCanceledException or ObjectDisposedException)
        {
            if (_generated.Count > 0 && _prompt is not null)
                _session.Append(_prompt, _generated);
            _session.Opened(false);
        }
    }

    private async ValueTask CloseAsync()
    {
        if (_events is { } events)
        {
            _events = null;
            await events.DisposeAsync().ConfigureAwait(false);
        }
    }
}
