using System.Collections.Concurrent;
using System.Diagnostics;
using VAI.Diagnostics;
using VAI.Native.Machine;
using VAI.Pipeline.Compute;
using VAI.Pipeline.Readers;

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

    /// <summary>
    /// No turn follows any more: ends everything that it has and whatever still comes, one job's trouble being no other's.
    /// </summary>
    void Close(Exception error) => Fail(error);
}

/// <summary>
/// The one owner of a device's compute units: a dedicated thread that runs the steps of all models' lanes in turn. Two
/// models never fight for the cores, and a switch between them is the choice of the next lane.
/// </summary>
/// <remarks>
/// The thread ends when it is told to, and by nothing else. Whatever comes after its end is answered: waking it does nothing, as the event
/// is never disposed; calls fail with <see cref="ObjectDisposedException"/>.
/// </remarks>
internal sealed class PipelineThread : IAsyncDisposable
{
    private static readonly long Quantum = Stopwatch.Frequency / 100;

    // What a first token takes to its client through the daemon's two sockets, if there is a core for it.
    private static readonly TimeSpan HandingOver = TimeSpan.FromMilliseconds(1);

    private readonly Lock _gate = new();
    private readonly ConcurrentQueue<IAction> _actions = new();
    private readonly DeficitRoundRobin<ILane> _lanes = new(Quantum);
    private readonly AutoResetEvent _wake = new(false);
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action _yield;
    private readonly object _engine;
    private readonly IEngineProgress? _progress;
    private ILane? _last;
    private long _free = Stopwatch.GetTimestamp();
    private volatile bool _stopping;
    private bool _ended;

    /// <param name="compute">The threads that its steps are computed by; null where nothing is computed by such.</param>
    /// <param name="engine">Whose it is; null for nobody's.</param>
    /// <param name="progress">Told of each turn; null for nobody.</param>
    public PipelineThread(ComputeThreads? compute, object? engine = null, IEngineProgress? progress = null)
    {
        Compute = compute;
        _yield = Yield;
        _progress = progress;
        _engine = engine ?? this;
        new Thread(Run) { IsBackground = true, Name = "vai-pipeline" }.Start();
    }

    /// <summary>The threads that its steps are computed by.</summary>
    public ComputeThreads? Compute { get; }

    /// <summary>Its turns among other processes; null where it is alone. <see cref="Join"/> sets it.</summary>
    public Turns? Turns { get; private set; }

    /// <summary>Who wakes the readers of tokens.</summary>
    public ReaderThread Readers { get; } = new();

    private interface IAction
    {
        void Run();

        void Refuse();
    }

    /// <summary>Has it take turns with other processes. On its thread.</summary>
    public void Join(TurnPage place, int share) => Turns = new Turns(place, share, _progress is { } progress ? progress.Move : null);

    /// <summary>Has the lanes looked at again. From any thread, at any time; allocates nothing.</summary>
    public void Wake() => _wake.Set();

    /// <summary>Gives a lane turns.</summary>
    public Task AddAsync(ILane lane) => InvokeAsync(() => _lanes.Add(lane));

    /// <summary>Takes a lane's turns away and ends what it still has; no step of it runs once the task has ended.</summary>
    public Task RemoveAsync(ILane lane) => InvokeAsync(() => Remove(lane, Disposed()));

    /// <summary>Runs something short on the pipeline's thread, between two steps.</summary>
    /// <returns>Fails with <see cref="ObjectDisposedException"/> after the thread's end.</returns>
    public Task InvokeAsync(Action action) => InvokeAsync(() =>
    {
        action();
        return true;
    });

    /// <summary>Runs something short on the pipeline's thread, between two steps.</summary>
    /// <returns>Fails with <see cref="ObjectDisposedException"/> after the thread's end.</returns>
    public Task<T> InvokeAsync<T>(Func<T> function)
    {
        var action = new Invocation<T>(function);

        // SYNC POINT with TryEnd: what is in the queue before the end runs.
        bool ended;
        lock (_gate)
        {
            ended = _ended;
            if (!ended)
                _actions.Enqueue(action);
        }

        if (ended)
            action.Refuse();
        else
            _wake.Set();
        return action.Task;
    }

    /// <summary>
    /// Has the thread end after its step, and ends what lanes still have. From any thread, any number of times; on the pipeline's own
    /// thread the task must not be waited for.
    /// </summary>
    /// <returns>A task that ends with the thread: nothing of it touches a lane any more.</returns>
    public ValueTask DisposeAsync()
    {
        _stopping = true;
        Turns?.End();
        _wake.Set();
        return new ValueTask(_done.Task);
    }

    private static ObjectDisposedException Disposed() => new(typeof(IVai).FullName);

    private void Run()
    {
        using (EngineThread.Enter(_engine))
        {
            Compute?.Enter();
            bool ended;
            do
            {
                try
                {
                    ended = Turn();
                }
                catch (Exception e)
                {
                    // It was no lane's step, so it may be any lane: all others need this thread.
                    ended = false;
                    RemoveAll(e);
                }
            }
            while (!ended);
        }

        try
        {
            Turns?.Dispose();
        }
        catch (VaiException e)
        {
            Faults.Report("The end of turns", e);
        }

        Readers.Dispose();
        _done.TrySetResult();
    }

    /// <returns>Whether it was the last.</returns>
    private bool Turn()
    {
        _progress?.Begin();
        try
        {
            while (_actions.TryDequeue(out IAction? action))
                action.Run();
            if (_stopping)
                return TryEnd();
            if (_lanes.Next() is { } lane)
            {
                Step(lane);
                return false;
            }
        }
        finally
        {
            _progress?.End();
        }

        Wait();
        return false;
    }

    private bool TryEnd()
    {
        RemoveAll(Disposed());
        lock (_gate)
            return _ended = _actions.IsEmpty;
    }

    private void Wait()
    {
        if (!_wake.WaitOne(0))
        {
            Compute?.Sleep();
            Turns?.Leave();
            _wake.WaitOne(Timeout());
        }

        _free = Stopwatch.GetTimestamp();
    }

    // To wait for others is no step: who watches is told that it lives.
    private void TakeTurn()
    {
        if (Turns?.Take(Stopwatch.GetTimestamp(), _yield) == true)
            _progress?.Begin();
    }

    private void Yield()
    {
        Compute?.Yield();
        _progress?.End();
    }

    private void Step(ILane lane)
    {
        TakeTurn();
        Compute?.Begin();
        long start = Stopwatch.GetTimestamp();
        Readers.Hold();
        try
        {
            lane.Step();
        }
        catch (Exception e)
        {
            // Not the thread that all the others need.
            if (!TryFail(lane, e))
                return;
        }
        finally
        {
            Readers.Release();
        }

        long end = Stopwatch.GetTimestamp();
        _lanes.Charge(end - start);
        if (lane.Computed)
            Compute?.End(start, end);
        Turns?.Stepped(start, end);
        if (lane.Computed && lane != _last)
        {
            if (_last is not null)
                Telemetry.Switched(lane.Name, _free, start);
            _last = lane;
        }

        _free = end;

        // A kernel without full preemption lets who was woken wait for the next tick, up to 4 ms, where compute threads spin.
        if (!lane.Began || Compute is not { TakesAll: true })
            return;
        Compute.Pause();
        Thread.Sleep(HandingOver);
    }

    /// <returns>Whether the lane goes on.</returns>
    private bool TryFail(ILane lane, Exception error)
    {
        try
        {
            lane.Fail(error);
            return true;
        }
        catch (Exception e)
        {
            // It cannot even fail: it has no turns any more, and who is on it or comes to it is told.
            Remove(lane, new VaiEngineException(
                VaiError.NativeFailure,
                $"'{lane.Name}' is in a state that it cannot be brought out of ({error.Message}; then {e.Message}). Unload it and load it again.",
                e));
            return false;
        }
    }

    private void RemoveAll(Exception error)
    {
        foreach (ILane lane in _lanes.Members.ToArray())
            Remove(lane, error);
    }

    private void Remove(ILane lane, Exception error)
    {
        _lanes.Remove(lane);
        _last = _last == lane ? null : _last;
        try
        {
            lane.Close(error);
        }
        catch (Exception e)
        {
            Faults.Report($"The end of '{lane.Name}'", e);
        }
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
                _done.TrySetResult(function());
            }
            catch (Exception e)
            {
                _done.TrySetException(e);
            }
        }

        public void Refuse() => _done.TrySetException(Disposed());
    }
}
