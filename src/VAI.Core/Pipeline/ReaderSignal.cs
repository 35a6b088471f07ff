using System.Threading.Tasks.Sources;

namespace VAI.Pipeline;

/// <summary>
/// An event that resets itself, for one reader that awaits it. Each call allocates nothing. A wait may end once more than there was something
/// to read.
/// </summary>
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
        Volatile.Write(ref _state, Quiet);
        return ValueTask.CompletedTask;
    }

    /// <summary>Has the reader look. On the pipeline's thread.</summary>
    public void Raise()
    {
        if (Interlocked.Exchange(ref _state, Raised) != Awaited)
            return;
        Volatile.Write(ref _state, Quiet);
        thread.Wake(this);
    }

    /// <summary>Ends the wait, and runs what comes after it.</summary>
    public void Execute() => _wait.SetResult(true);

    void IValueTaskSource.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);
}
