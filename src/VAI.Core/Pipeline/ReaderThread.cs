using VAI.Native.Memory;

namespace VAI.Pipeline;

/// <summary>
/// Wakes the readers of tokens. Where compute threads take every core, what waking costs is taken from the next step, and the thread pool
/// wakes by eight switches of threads; so one thread does it that is for nothing else. It runs what the reader does with its
/// token. Whoever is to be woken while it does goes to the thread pool, so that a reader that blocks blocks nobody.
/// </summary>
internal sealed class ReaderThread : IDisposable
{
    private readonly ThreadGate _gate = new();
    private readonly Thread _thread;
    private ReaderSignal? _reader;
    private volatile bool _stopping;

    public ReaderThread()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "vai-readers" };
        _thread.Start();
    }

    /// <summary>Completes a signal, on this thread or on one of the pool. On the pipeline's thread.</summary>
    public void Wake(ReaderSignal reader)
    {
        if (Interlocked.CompareExchange(ref _reader, reader, null) is null)
            _gate.Open();
        else
            ThreadPool.UnsafeQueueUserWorkItem(reader, preferLocal: false);
    }

    /// <summary>Once nobody wakes any more. It may be a reader that does this: then the thread ends when that has gone on.</summary>
    public void Dispose()
    {
        _stopping = true;
        _gate.Open();
        if (Thread.CurrentThread != _thread)
            _thread.Join();
    }

    private void Run()
    {
        while (true)
        {
            _gate.Wait();
            Volatile.Read(ref _reader)?.Execute();
            Volatile.Write(ref _reader, null);
            if (_stopping)
                break;
        }

        _gate.Dispose();
    }
}
