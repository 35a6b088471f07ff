using System.Collections.Concurrent;
using System.Diagnostics;
using VAI.Native.Memory;

namespace VAI.Pipeline.Readers;

/// <summary>
/// Wakes the readers of tokens. Where compute threads take every core, what waking costs is taken from the next step, and the thread pool
/// wakes by eight switches of threads; so one thread does it that is for nothing else, for all readers of a step at once. It runs what a reader
/// does with its token, which may be anything and take any time: nobody ever waits for this thread. Whoever is behind a reader that
/// blocks, or comes after the thread's end, goes to the thread pool, so that a reader that blocks blocks nobody.
/// </summary>
/// <remarks>
/// Whoever wakes puts the reader into the queue and then looks whether the thread has ended; the thread says that it has ended and then
/// looks into the queue, each with a full fence between the two. So there is no reader that neither the thread nor the pool runs. The gate counts: it
/// is open when it was opened since the thread last went through.
/// </remarks>
internal sealed class ReaderThread : IThreadPoolWorkItem, IDisposable
{
    // What runs for longer may be blocked.
    private static readonly TimeSpan Long = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    // Looks in vain before nobody looks any more.
    private const int Looks = 10;

    // Readers that are run before what they left for the end is done.
    private const int Batch = 64;

    // What the readers that this thread runs have left for the end; null where it runs none.
    [ThreadStatic]
    private static List<IThreadPoolWorkItem>? _left;

    private readonly List<IThreadPoolWorkItem> _own = [];
    private readonly ConcurrentQueue<ReaderSignal> _queue = new();
    private readonly ThreadGate _gate = new();
    private readonly Timer _timer;
    private int _holder;
    private bool _held;
    private long _since;
    private long _taken;
    private long _seen;
    private int _watched;
    private int _vain;
    private volatile bool _stopping;
    private volatile bool _ended;

    public ReaderThread()
    {
        _timer = new Timer(static t => ((ReaderThread)t!).LookAfter(), this, Timeout.Infinite, Timeout.Infinite);
        new Thread(Run) { IsBackground = true, Name = "vai-readers" }.Start();
    }

    /// <summary>
    /// Leaves something to be done once for all readers that this thread wakes now, when it has run them. False where it runs none: then the caller
    /// does it. For what must not wait for a reader that blocks it is no place.
    /// </summary>
    public static bool TryLeave(IThreadPoolWorkItem work)
    {
        if (_left is not { } left)
            return false;
        if (!left.Contains(work))
            left.Add(work);
        return true;
    }

    /// <summary>Whoever this thread wakes from now on is woken at <see cref="Release"/>, together.</summary>
    public void Hold() => Volatile.Write(ref _holder, Environment.CurrentManagedThreadId);

    /// <summary>Wakes whom the thread that holds has woken since <see cref="Hold"/>.</summary>
    public void Release()
    {
        Volatile.Write(ref _holder, 0);
        if (!_held)
            return;
        _held = false;
        Open();
    }

    /// <summary>Completes a signal, on this thread or on one of the pool. From any thread, at any time.</summary>
    public void Wake(ReaderSignal reader)
    {
        if (Volatile.Read(ref _since) is not 0 and long since && Stopwatch.GetElapsedTime(since) > Long)
        {
            ThreadPool.UnsafeQueueUserWorkItem(reader, preferLocal: false);
            return;
        }

        _queue.Enqueue(reader);

        // SYNC POINT with Drain: whoever is taken out before this one is seen in the queue, or that the thread is busy.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _since) != 0 || _queue.Count > 1)
            Watch();
        if (Volatile.Read(ref _holder) == Environment.CurrentManagedThreadId)
            _held = true;
        else
            Open();
    }

    /// <summary>Has the thread end when what it runs has gone on. Waits for nothing.</summary>
    public void Dispose()
    {
        _stopping = true;
        _gate.Open();
    }

    void IThreadPoolWorkItem.Execute() => Drain(own: false);

    private void Open()
    {
        // SYNC POINT with Run.
        Interlocked.MemoryBarrier();
        if (_ended)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        else
            _gate.Open();
    }

    private void Run()
    {
        do
        {
            _gate.Wait();
            Drain(own: true);
        }
        while (!_stopping);
        _ended = true;

        // SYNC POINT with Open.
        Interlocked.MemoryBarrier();
        Drain(own: true);

        // Who still opens it finds it closed.
        _gate.Dispose();
        _timer.Dispose();
    }

    private void Drain(bool own)
    {
        // Of the pool only where somebody blocks.
        List<IThreadPoolWorkItem> left = own ? _own : [];
        bool any;
        do
        {
            _left = left;
            int count = 0;
            do
            {
                if (own)
                    Interlocked.Exchange(ref _since, Stopwatch.GetTimestamp());
                any = _queue.TryDequeue(out ReaderSignal? reader);
                if (!any)
                    break;
                Interlocked.Increment(ref _taken);
                reader!.Execute();
            }
            while (++count < Batch);
            _left = null;
            foreach (IThreadPoolWorkItem work in left)
                work.Execute();
            left.Clear();
        }
        while (any);
        if (own)
            Volatile.Write(ref _since, 0);
    }

    private void Watch()
    {
        if (Volatile.Read(ref _watched) == 0 && Interlocked.Exchange(ref _watched, 1) == 0)
            Change(Look);
    }

    // Whether those that wait get on: if not, whoever is run blocks, and another thread is for those behind.
    private void LookAfter()
    {
        long taken = Volatile.Read(ref _taken);
        bool moved = taken != _seen, empty = _queue.IsEmpty;
        _seen = taken;
        _vain = moved || !empty ? 0 : _vain + 1;
        if (!moved && !empty)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        if (_vain < Looks)
            return;
        _vain = 0;
        Change(Timeout.InfiniteTimeSpan);

        // SYNC POINT with Wake: it has been seen to be watched, or is in the queue here.
        Interlocked.Exchange(ref _watched, 0);
        if (!_queue.IsEmpty)
            Watch();
    }

    private void Change(TimeSpan every)
    {
        try
        {
            _timer.Change(every, every);
        }
        catch (ObjectDisposedException)
        {
            // With the thread; whoever still comes goes to the pool.
        }
    }
}
