using VAI.Native.Memory;

namespace VAI.Pipeline;

/// <summary>
/// Wakes the readers of tokens. Where compute threads take every core, what waking costs is taken from the next step, and the thread pool
/// wakes by eight switches of threads; so one thread does it that is for nothing else. It runs what the reader does with its
/// token, which may be anything and take any time: nobody ever waits for this thread. Whoever is to be woken while it is busy, or after its
/// end, goes to the thread pool, so that a reader that blocks blocks nobody.
/// </summary>
/// <remarks>
/// The slot is free, has a signal, or says that the thread has ended. A signal comes in where it was free, by a compare-exchange, and is taken
/// out by the thread alone after it has run; the end comes in by the same compare-exchange. So there is no signal that
/// neither the thread nor the pool runs. The gate counts: it is open when it was opened since the thread last went through.
/// </remarks>
internal sealed class ReaderThread : IDisposable
{
    private static readonly object Ended = new();

    private readonly ThreadGate _gate = new();
    private object? _slot;
    private volatile bool _stopping;

    public ReaderThread() => new Thread(Run) { IsBackground = true, Name = "vai-readers" }.Start();

    /// <summary>Completes a signal, on this thread or on one of the pool. From any thread, at any time.</summary>
    public void Wake(ReaderSignal reader)
    {
        if (Interlocked.CompareExchange(ref _slot, reader, null) is null)
            _gate.Open();
        else
            ThreadPool.UnsafeQueueUserWorkItem(reader, preferLocal: false);
    }

    /// <summary>Has the thread end when what it runs has gone on. Waits for nothing.</summary>
    public void Dispose()
    {
        _stopping = true;
        _gate.Open();
    }

    private void Run()
    {
        do
        {
            _gate.Wait();
            if (Volatile.Read(ref _slot) is ReaderSignal reader)
            {
                reader.Execute();
                Volatile.Write(ref _slot, null);
            }
        }
        while (!_stopping || Interlocked.CompareExchange(ref _slot, Ended, null) is not null);

        // Who still opens it finds it closed.
        _gate.Dispose();
    }
}
