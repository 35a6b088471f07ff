using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;

namespace VAI.Daemon.Supervision.Link;

/// <summary>
/// A transaction at an engine: updates on their way from the thread that reads the link to one reader, whose continuation that thread runs.
/// What it has not read is bounded by the credit: the engine sends no more, and parks the session.
/// </summary>
internal sealed class Transfer(EngineLink link, ulong id, int credit, Request? request, bool tokenizes)
    : Exchange(link, id, request), IValueTaskSource<bool>
{
    private readonly Lock _gate = new();
    private readonly Queue<InferenceUpdate> _updates = new();
    private ManualResetValueTaskSourceCore<bool> _wait;
    private bool _awaited;
    private bool _over;
    private Exception? _error;
    private int _taken;
    private volatile bool _tokenized = !tokenizes;

    /// <summary>The tokens of a prompt that was text, once they are known; null before.</summary>
    public int[]? Prompt { get; private set; }

    /// <summary>What the session holds of the transaction after it was cancelled; null if that is not known.</summary>
    public int[]? Kept { get; private set; }

    /// <summary>Whether the engine went while it ran.</summary>
    public bool IsLost => Volatile.Read(ref _error) is LinkEndedException;

    public override bool IsPrompt => !_tokenized;

    /// <summary>The next update; false at the end. For the reader.</summary>
    /// <exception cref="LinkEndedException">The engine is gone.</exception>
    public ValueTask<bool> WaitAsync()
    {
        lock (_gate)
        {
            if (_updates.Count > 0 || _over)
                return _updates.Count == 0 && _error is not null ? ValueTask.FromException<bool>(_error) : new ValueTask<bool>(_updates.Count > 0);
            _wait.Reset();
            _awaited = true;
            return new ValueTask<bool>(this, _wait.Version);
        }
    }

    /// <summary>Takes an update. For the reader.</summary>
    public bool TryRead(out InferenceUpdate update)
    {
        int grant = 0;
        lock (_gate)
        {
            if (!_updates.TryDequeue(out update))
                return false;
            if (!_over && ++_taken * 2 >= credit)
                (grant, _taken) = (_taken, 0);
        }

        if (grant > 0)
            Link.Grant(Id, grant);
        return true;
    }

    /// <summary>Has the engine stop; the reader sees the end.</summary>
    public void Cancel() => Link.Cancel(Id);

    /// <summary>Cancels it, if it has not ended, and ends when the engine has let go of the session, or is gone. For the reader.</summary>
    /// <param name="unread">Tokens that came and were not read.</param>
    /// <returns>Whether the result was among what was not read.</returns>
    public async ValueTask<bool> CancelAsync(List<int> unread)
    {
        bool over;
        lock (_gate)
            over = _over;
        if (!over)
            Cancel();
        try
        {
            while (await WaitAsync().ConfigureAwait(false))
            {
                while (TryRead(out InferenceUpdate update))
                {
                    if (update.Result is not null)
                        return true;
                    unread.Add(update.TokenId);
                }
            }
        }
        catch (Exception e) when (e is VaiException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // It has ended, by whatever.
        }

        return false;
    }

    public override bool Take(LinkKind kind, ReadOnlySpan<byte> payload)
    {
        switch (kind)
        {
            case LinkKind.Prompt:
                Prompt = Tokens(payload);
                _tokenized = true;
                return false;
            case LinkKind.Update:
            case LinkKind.Result:
                InferenceUpdate update = UpdateFrame.Read(payload, kind is LinkKind.Result);
                lock (_gate)
                {
                    _updates.Enqueue(update);
                    _over = kind is LinkKind.Result;
                }

                return _over;
            case LinkKind.Stopped:
                Kept = Tokens(payload);
                Over(new OperationCanceledException("The transaction was cancelled."));
                return true;
            case LinkKind.Error:
                Over(ErrorOf(payload));
                return true;
            default:
                throw Unexpected(kind);
        }
    }

    public override void Lose(LinkEndedException reason)
    {
        Over(reason);
        Tell();
    }

    /// <summary>Has the reader go on, if it waits.</summary>
    public void Tell()
    {
        bool more;
        lock (_gate)
        {
            if (!_awaited || (_updates.Count == 0 && !_over))
                return;
            _awaited = false;
            more = _updates.Count > 0;
        }

        if (!more && _error is not null)
            _wait.SetException(_error);
        else
            _wait.SetResult(more);
    }

    bool IValueTaskSource<bool>.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    private void Over(Exception error)
    {
        lock (_gate)
            (_over, _error) = (true, _over ? _error : error);
    }

    private static int[] Tokens(ReadOnlySpan<byte> payload) => payload.Length % sizeof(int) == 0
        ? MemoryMarshal.Cast<byte, int>(payload).ToArray()
        : throw new LinkEndedException("tokens came that are none");
}
