using System.Collections.Concurrent;
using System.Diagnostics;
using VAI.Diagnostics;

namespace VAI.Pipeline;

/// <summary>A model's work on a device. Its members are used on the pipeline's thread.</summary>
internal interface ILane : ITurn
{
    /// <summary>The model's name.</summary>
    string Name { get; }

    /// <summary>When it must be looked at although nothing woke it, as a <see cref="Stopwatch"/> timestamp.</summary>
    long NextTimer { get; }

    /// <summary>Runs one step, short enough for others to wait for. What goes wrong ends those it went wrong for.</summary>
    void Step();

    /// <summary>Whether <see cref="Step"/> computed, rather than kept house.</summary>
    bool Computed { get; }

    /// <summary>Whether <see cref="Step"/> gave a reader what it has waited for: its transaction's first token.</summary>
    bool Began => false;

    /// <summary>Ends what runs, after a step that threw what it should not have.</summary>
    void Fail(Exception error);
}

/// <summary>
/// The one owner of a device's compute units: a dedicated thread that runs the steps of all models' lanes in turn. Two
/// models never fight for the cores, and a switch between them is the choice of the next lane.
/// </summary>
internal sealed class PipelineThread : IDisposable
{
    private static readonly long Quantum = Stopwatch.Frequency / 100;

    // What a first token takes to its client through the daemon's two sockets, if there is a core for it.
    private static readonly TimeSpan HandingOver = TimeSpan.FromMilliseconds(1);

    private readonly ConcurrentQueue<IAction> _actions = new();
    private readonly DeficitRoundRobin<ILane> _lanes = new(Quantum);
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private readonly Action? _rest;
    private ILane? _last;
    private long _free = Stopwatch.GetTimestamp();
    private volatile bool _stopping;

    /// <param name="rest">
    /// Has the compute threads sleep until the next step; null where they leave cores to others, so that this is of no use.
    /// </param>
    public PipelineThread(Action? rest)
    {
        _rest = rest;
        _thread = new Thread(Run) { IsBackground = true, Name = "vai-pipeline" };
        _thread.Start();
    }

    /// <summary>Who wakes the readers of tokens.</summary>
    public ReaderThread Readers { get; } = new();

    private interface IAction
    {
        void Run();
    }

    /// <summary>Has the lanes looked at again. From any thread; allocates nothing.</summary>
    public void Wake() => _wake.Set();

    /// <summary>Gives a lane turns.</summary>
    public Task AddAsync(ILane lane) => InvokeAsync(() => _lanes.Add(lane));

    /// <summary>Takes a lane's turns away; no step of it runs once the task has ended.</summary>
    public Task RemoveAsync(ILane lane) => InvokeAsync(() =>
    {
        _lanes.Remove(lane);
        _last = _last == lane ? null : _last;
    });

    /// <summary>Runs something short on the pipeline's thread, between two steps.</summary>
    public Task InvokeAsync(Action action) => InvokeAsync(() =>
    {
        action();
        return true;
    });

    /// <summary>Runs something short on the pipeline's thread, between two steps.</summary>
    public Task<T> InvokeAsync<T>(Func<T> function)
    {
        var action = new Invocation<T>(function);
        _actions.Enqueue(action);
        _wake.Set();
        return action.Task;
    }

    /// <summary>Ends the thread once the lanes have nothing more to do. Not to be called on it.</summary>
    public void Dispose()
    {
        _stopping = true;
        _wake.Set();
        _thread.Join();
        _wake.Dispose();
        Readers.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            while (_actions.TryDequeue(out IAction? action))
                action.Run();
            if (_lanes.Next() is { } lane)
                Step(lane);
            else if (_stopping && _actions.IsEmpty)
                return;
            else
                Wait();
        }
    }

    private void Wait()
    {
        _wake.WaitOne(Timeout());
        _free = Stopwatch.GetTimestamp();
    }

    private void Step(ILane lane)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            lane.Step();
        }
        catch (Exception e)
        {
            // Not the thread that all the others need.
            lane.Fail(e);
        }

        long end = Stopwatch.GetTimestamp();
        _lanes.Charge(end - start);
        if (lane.Computed && lane != _last)
        {
            if (_last is not null)
                Telemetry.Switched(lane.Name, _free, start);
            _last = lane;
        }

        _free = end;

        // A kernel without full preemption lets who was woken wait for the next tick, up to 4 ms, where compute threads spin.
        if (_rest is null || !lane.Began)
            return;
        _rest();
        Thread.Sleep(HandingOver);
    }

    private int Timeout()
    {
        long next = long.MaxValue;
        foreach (ILane lane in _lanes.Members)
            next = Math.Min(next, lane.NextTimer);
        return next == long.MaxValue
            ? System.Threading.Timeout.Infinite
            : (int)Math.Clamp(Math.Ceiling(Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), next).TotalMilliseconds), 0, 60_000);
    }

    private sealed class Invocation<T>(Func<T> function) : IAction
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Task => _done.Task;

        public void Run()
        {
            try
            {
                _done.SetResult(function());
            }
            catch (Exception e)
            {
                _done.SetException(e);
            }
        }
    }
}
