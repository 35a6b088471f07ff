using System.Threading.Tasks.Sources;

namespace VAI.Pipeline.Readers;

/// <summary>
/// An event that resets itself, for one reader that awaits it. Each call allocates nothing. A wait may end once more than there was something
/// to read.
/// </summary>
/// <remarks>
/// No signal is lost: who raises has stored what there is to read, and then changes the state; the reader changes the state, and then
/// looks at what there is to read. Every change is a full fence, so that the reader sees what was stored or finds the state raised.
/// </remarks>
internal sealed class ReaderSignal(ReaderThread thread) : IValueTaskSource, IThreadPoolWorkItem
{
    private const int Quiet = 0;
    private const int Awaited = 1;
    private const int Raised = 2;

    private ManualResetValueTaskSourceCore<bool> _wait;
    private int _state;

    /// <summary>Ends when <see cref="Raise"/> was called since the last wait ended. For the reader.</summary>
    public ValueTask WaitAsync()
    {
        _wait.Reset();
        if (Interlocked.CompareExchange(ref _state, Awaited, Quiet) == Quiet)
            return new ValueTask(this, _wait.Version);

        // SYNC POINT with Raise: quiet before the reader looks, or what is stored and raised meanwhile would be overwritten.
        Interlocked.Exchange(ref _state, Quiet);
        return ValueTask.CompletedTask;
    }

    /// <summary>Has the reader look. From any thread.</summary>
    public void Raise()
    {
        int seen = Volatile.Read(ref _state);
        while (true)
        {
            // SYNC POINT with WaitAsync. A full fence even where nothing changes.
            int found = Interlocked.CompareExchange(ref _state, seen == Awaited ? Quiet : Raised, seen);
            if (found == seen)
                break;
            seen = found;
        }

        if (seen == Awaited)
            thread.Wake(this);
    }

    /// <summary>Ends the wait, and runs what comes after it.</summary>
    public void Execute() => _wait.SetResult(true);

    void IValueTaskSource.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);
}
