using VAI.Native.Interop;
using VAI.Native.Text;

namespace VAI.Text;

/// <summary>Something that is done to a long text in small steps, and what it makes.</summary>
internal interface ILongTextWork<T>
{
    /// <summary>What it made, after the last step.</summary>
    T Result { get; }

    /// <summary>Does the next step.</summary>
    /// <returns>Whether there is another.</returns>
    bool Step();
}

/// <summary>
/// The one thread of the process for texts that are long or deep: it tokenizes them, and takes large documents apart. It takes their pieces in turn,
/// so that none waits for another's end, has a stack for the deepest, and a smaller share of a core than those that compute or answer; and as it is
/// one, long texts never have every core. It ends when it has nothing to do.
/// </summary>
internal static class LongTextThread
{
    // A quarter of what a thread of the pipeline gets where both want the same core.
    private const int Niceness = 6;

    private static readonly Lock Gate = new();
    private static readonly Queue<IJob> Jobs = new();
    private static bool _running;

    /// <summary>Does a work to its end.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled before its last step.</exception>
    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/>: the thread's stack could not be had.</exception>
    public static Task<T> RunAsync<T>(ILongTextWork<T> work, CancellationToken cancellationToken)
    {
        var job = new Job<T>(work, cancellationToken);
        lock (Gate)
        {
            Jobs.Enqueue(job);
            if (!_running)
                Start();
        }

        return job.Task;
    }

    /// <summary>Does something that has one step.</summary>
    /// <inheritdoc cref="RunAsync{T}(ILongTextWork{T}, CancellationToken)"/>
    public static Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken) => RunAsync(new OneStep<T>(work), cancellationToken);

    private static void Start()
    {
        var thread = new Thread(Loop, TextTokens.StackBytes) { IsBackground = true, Name = "VAI long texts" };
        try
        {
            // What runs in it belongs to no caller's context.
            thread.UnsafeStart();
            _running = true;
        }
        catch (OutOfMemoryException e)
        {
            Jobs.Clear();
            throw new VaiEngineException(
                VaiError.OutOfMemory, $"There is no memory for the {TextTokens.StackBytes >> 20} MiB stack of a long text. Free some, or shorten it.", e);
        }
    }

    private static void Loop()
    {
        // Of the calling thread alone. Without the right to it, its share stays what it is.
        _ = LibcNative.setpriority(LibcNative.PRIO_PROCESS, 0, Niceness);
        while (true)
        {
            IJob job;
            lock (Gate)
            {
                if (!Jobs.TryDequeue(out job!))
                {
                    _running = false;
                    return;
                }
            }

            if (!job.Step())
                continue;
            lock (Gate)
                Jobs.Enqueue(job);
        }
    }

    private interface IJob
    {
        /// <returns>Whether there is another step.</returns>
        bool Step();
    }

    private sealed class OneStep<T>(Func<T> work) : ILongTextWork<T>
    {
        private T? _result;

        public T Result => _result!;

        public bool Step()
        {
            _result = work();
            return false;
        }
    }

    private sealed class Job<T>(ILongTextWork<T> work, CancellationToken cancellationToken) : IJob
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Task => _done.Task;

        public bool Step()
        {
            if (cancellationToken.IsCancellationRequested)
            {
                _done.TrySetCanceled(cancellationToken);
                return false;
            }

            try
            {
                if (work.Step())
                    return true;
                _done.TrySetResult(work.Result);
            }
            catch (Exception e)
            {
                _done.TrySetException(e);
            }

            return false;
        }
    }
}
