using VAI.Remote.Proxy;
using VAI.Remote.Wire;
using VAI.Text;

namespace VAI.Remote;

/// <summary>
/// One InferAsync at a daemon. If the connection breaks it is asked for again, with what was handed over already, and goes on
/// behind that.
/// </summary>
internal sealed class RemoteTransaction(
    RemoteSession session, TextPrompt? text, int[] prompt, int[] generated, InferenceOptions options, CancellationToken cancellationToken)
    : ProxyTransaction(session, text, prompt, generated, options, cancellationToken)
{
    private readonly RemoteSession _session = session;
    private RemoteEvents<WireUpdate>? _events;
    private int _breaks;
    private bool _sent;

    public override async ValueTask<bool> MoveNextAsync()
    {
        while (!Settled)
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
            catch (OperationCanceledException) when (CancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException(CancellationToken);
            }
            catch (Exception e) when (RemoteLink.IsBreak(e))
            {
                // Cancelled and broken at once is cancelled.
                CancellationToken.ThrowIfCancellationRequested();
                cause = e;
            }
            catch (VaiException e)
            {
                // It may have come as an event.
                await CloseAsync().ConfigureAwait(false);
                if (++_breaks <= RemoteLink.MaxBreaks && await _session.ReloadedAsync(e, Either.Token).ConfigureAwait(false))
                    continue;

                // Refused: it has not happened, there and here.
                Settled = true;
                throw;
            }

            await RecoverAsync(cause).ConfigureAwait(false);
        }

        return false;
    }

    /// <summary>Hangs up, if it has not ended, and finds out what the session holds now.</summary>
    public override async ValueTask DisposeAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        bool cancelled = !Settled && _sent && !_session.IsDisposed;
        Either.Dispose();
        if (cancelled)
            await SettleAsync().ConfigureAwait(false);
    }

    private async Task<RemoteEvents<WireUpdate>> AskAsync()
    {
        _sent = true;
        RemoteEvents<WireUpdate> events = await _session.RemoteModel.Vai.Link.StreamAsync(
            RemoteLink.Post($"vai/sessions/{_session.Id}/infer", Infer(_session.OpenIfNeeded()), WireJson.Default.WireInfer), WireJson.Default.WireUpdate, Either.Token)
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
            Prompted(prompt);
            return false;
        }

        _breaks = 0;
        Hand(new InferenceUpdate(update.Text ?? "", update.Token ?? -1, update.Result) { Kind = update.Kind, LogProbabilities = update.LogProbabilities });
        return true;
    }

    private async Task RecoverAsync(Exception cause)
    {
        await CloseAsync().ConfigureAwait(false);
        _session.Opened(false);
        try
        {
            await _session.RemoteModel.Vai.Link.RecoverAsync(_session.RemoteModel.Name, ++_breaks, cause, Either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw _session.IsDisposed ? _session.Gone() : new OperationCanceledException(CancellationToken);
        }
        catch
        {
            // A transaction that fails has not happened.
            Settled = true;
            throw;
        }
    }

    private async Task SettleAsync()
    {
        try
        {
            // Answered when the daemon has let go of the _session.
            _session.Adopt((await _session.RemoteModel.Vai.Link.AskAsync(
                () => new HttpRequestMessage(HttpMethod.Get, $"vai/sessions/{_session.Id}"), WireJson.Default.WireSession, _session.Closed)
                .ConfigureAwait(false)).State);
            _session.Opened(true);
        }
        catch (Exception e) when (RemoteLink.IsBreak(e) || e is VaiException or OperationCanceledException or ObjectDisposedException)
        {
            if (Generated.Count > 0 && Prompt is not null)
                _session.Append(Prompt, Generated);
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
