using System.Collections.Concurrent;

namespace VAI.Engine;

/// <summary>What a job wants after a step.</summary>
internal enum StepResult
{
    /// <summary>Another step, when its turn comes.</summary>
    Again,

    /// <summary>Nothing until it is submitted again: its reader is behind.</summary>
    Parked,

    /// <summary>Nothing more.</summary>
    Done,
}

/// <summary>Work for the pipeline's thread, cut into steps short enough for others to wait for.</summary>
internal interface IPipelineJob
{
    /// <summary>Runs one step. Called on the pipeline's thread alone.</summary>
    StepResult Step();

    /// <summary>Ends the job with an error that its step threw.</summary>
    void Fail(Exception error);
}

/// <summary>
/// The one owner of a device's compute units: a dedicated thread that runs the steps of all models' jobs in turn. Two
/// models never fight for the cores, and a switch between them is the choice of the next job.
/// </summary>
internal sealed class Pipeline : IDisposable
{
    private readonly ConcurrentQueue<IPipelineJob> _submitted = new();
    private readonly Queue<IPipelineJob> _ready = new(64);
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private volatile bool _stopping;

    public Pipeline()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "vai-pipeline" };
        _thread.Start();
    }

    /// <summary>Queues a job, or a parked one again. From any thread.</summary>
    public void Submit(IPipelineJob job)
    {
        _submitted.Enqueue(job);
        _wake.Set();
    }

    /// <summary>Runs a short action on the pipeline's thread, between two steps.</summary>
    public Task InvokeAsync(Action action)
    {
        var job = new ActionJob(action);
        Submit(job);
        return job.Task;
    }

    /// <summary>Ends the thread once the submitted jobs are done. Not to be called on it.</summary>
    public void Dispose()
    {
        _stopping = true;
        _wake.Set();
        _thread.Join();
        _wake.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            while (_submitted.TryDequeue(out IPipelineJob? submitted))
                _ready.Enqueue(submitted);
            if (_ready.TryDequeue(out IPipelineJob? job))
                RunStep(job);
            else if (_stopping && _submitted.IsEmpty)
                return;
            else
                _wake.WaitOne();
        }
    }

    private void RunStep(IPipelineJob job)
    {
        try
        {
            if (job.Step() == StepResult.Again)
                _ready.Enqueue(job);
        }
        catch (Exception e)
        {
            Fail(job, e);
        }
    }

    // A job's own clean-up may fail as well; that ends the job, not the thread that all the others need.
    private static void Fail(IPipelineJob job, Exception error)
    {
        try
        {
            job.Fail(error);
        }
        catch (Exception e) when (e is VaiException or ObjectDisposedException or InvalidOperationException or ArgumentException)
        {
            System.Diagnostics.Debug.WriteLine(e);
        }
    }

    private sealed class ActionJob(Action action) : IPipelineJob
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Task => _done.Task;

        public StepResult Step()
        {
            action();
            _done.SetResult();
            return StepResult.Done;
        }

        public void Fail(Exception error) => _done.TrySetException(error);
    }
}
