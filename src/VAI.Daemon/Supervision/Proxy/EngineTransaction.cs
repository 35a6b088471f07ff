using VAI.Daemon.Supervision.Link;
using VAI.Remote.Proxy;
using VAI.Remote.Wire;
using VAI.Text;

namespace VAI.Daemon.Supervision.Proxy;

/// <summary>
/// One InferAsync: the log, what was handed over and the seed are here, and this is where a transaction is taken up again. If the engine
/// ends it is asked for at the next one, and goes on behind what was handed over.
/// </summary>
internal sealed class EngineTransaction(
    EngineSession session, TextPrompt? text, int[] prompt, int[] generated, InferenceOptions options, CancellationToken cancellationToken)
    : ProxyTransaction(session, text, prompt, generated, options, cancellationToken)
{
    // One that an engine knows otherwise than it is known here is opened anew; more than once and something else is wrong.
    private const int MostReopened = 3;

    private readonly EngineSession _session = session;
    private readonly Request _request = new(session.EngineModel.Name);
    private EngineStay _stay;
    private Transfer? _transfer;
    private CancellationTokenRegistration _registration;
    private int _reopened;
    private bool _opened;

    public override async ValueTask<bool> MoveNextAsync()
    {
        while (!Settled)
        {
            try
            {
                if (_transfer is null)
                    await BeginAsync().ConfigureAwait(false);
                if (_transfer!.TryRead(out InferenceUpdate update))
                {
                    Take(update);
                    if (!Settled && _stay.Ward is { IsCleared: true })
                        await LeaveAsync().ConfigureAwait(false);
                    return true;
                }

                if (!await _transfer.WaitAsync().ConfigureAwait(false))
                    throw new LinkEndedException("the updates ended before the transaction did");
            }
            catch (LinkEndedException)
            {
                // The next engine goes on. Cancelled and lost at once is cancelled.
                await LeaveAsync().ConfigureAwait(false);
                if (Either.IsCancellationRequested)
                    throw Cancelled();
            }
            catch (Exception) when (Either.IsCancellationRequested)
            {
                throw Cancelled();
            }
            catch (Exception e) when (IsOtherwise(e) && ++_reopened <= MostReopened)
            {
                await LeaveAsync().ConfigureAwait(false);
            }
            catch (VaiException)
            {
                // Refused: it has not happened, there and here.
                Settled = true;
                if (_opened)
                    _session.Leave();
                throw;
            }
        }

        return false;
    }

    /// <summary>Cancels it, if it has not ended, and finds out what the session holds now.</summary>
    public override async ValueTask DisposeAsync()
    {
        try
        {
            bool cancelled = !Settled && _request.IsBegun && !_session.IsDisposed;
            List<int> unread = [];
            (Transfer? transfer, bool result) = await CloseAsync(unread).ConfigureAwait(false);
            if (cancelled)
                Settle(transfer, result, unread);
        }
        finally
        {
            Either.Dispose();
        }
    }

    // The engine knows the session otherwise than it is known here, or gave up by itself: opened anew, it goes on.
    private static bool IsOtherwise(Exception e) => e is VaiUsageException { Code: VaiError.UnknownSession } or OperationCanceledException or ObjectDisposedException;

    private async ValueTask BeginAsync()
    {
        if (Text is { } text && Prompt is null)
            await _session.EngineModel.CheckRoomAsync(text.Text, Before, Either.Token).ConfigureAwait(false);
        EngineStay stay = await _session.EngineModel.Vai.Engines.EnterAsync(_request, Either.Token).ConfigureAwait(false);
        try
        {
            (SessionPlace place, WireOpen? open) = _session.PlaceAt(stay.Link);
            _opened = open is not null;
            _request.IsBegun = true;
            (_transfer, _stay) = (stay.Link.Infer(place.Number, _session.Credit, Infer(open), _request), stay);
            _session.Settle(place);
        }
        catch
        {
            await stay.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        _registration = Either.Token.UnsafeRegister(static t => ((Transfer)t!).Cancel(), _transfer);
    }

    private void Take(InferenceUpdate update)
    {
        if (Prompt is null && _transfer!.Prompt is { } prompt)
            Prompted(prompt);
        Hand(update);
        if (Settled)
            return;
        _request.Progress = Generated.Count;
        _session.EngineModel.CountToken();
    }

    /// <summary>Leaves an engine, to go on at another behind what was handed over.</summary>
    private async ValueTask LeaveAsync()
    {
        await CloseAsync([]).ConfigureAwait(false);
        _session.Leave();
    }

    /// <summary>Ends the stay at an engine: when that has let go of the session, or is gone.</summary>
    private async ValueTask<(Transfer? Transfer, bool Result)> CloseAsync(List<int> unread)
    {
        if (_transfer is not { } transfer)
            return default;
        _transfer = null;
        await _registration.DisposeAsync().ConfigureAwait(false);
        try
        {
            return (transfer, await transfer.CancelAsync(unread).ConfigureAwait(false));
        }
        finally
        {
            await _stay.DisposeAsync().ConfigureAwait(false);
        }
    }

    // Cancelled, it keeps what was computed, also what nobody has read.
    private void Settle(Transfer? transfer, bool result, List<int> unread)
    {
        IReadOnlyList<int>? prompt = Prompt ?? transfer?.Prompt;
        if (transfer?.Kept is { } kept)
        {
            if (prompt is not null && kept.Length > prompt.Count)
                _session.Append(prompt, kept.Skip(prompt.Count));
        }
        else if (result || transfer is null || transfer.IsLost)
        {
            if (prompt is not null && Generated.Count + unread.Count > 0)
                _session.Append(prompt, Generated.Concat(unread));
            if (!result)
                _session.Leave();
        }
        else
        {
            // It failed, and has not happened; whether the engine has opened the session is not known.
            _session.Leave();
        }
    }

    private Exception Cancelled() => _session.IsDisposed ? _session.Gone() : new OperationCanceledException(CancellationToken);
}
