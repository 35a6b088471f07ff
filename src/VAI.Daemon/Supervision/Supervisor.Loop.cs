using System.Diagnostics;
using VAI.Daemon.Supervision.Engines;
using VAI.Daemon.Supervision.Link;

namespace VAI.Daemon.Supervision;

/// <content>The state machine: one engine after the other, and the watch over them.</content>
internal sealed partial class Supervisor
{
    // Whatever is thrown here ends the daemon, and not only this.
    private async Task RunAsync(EngineProcess? engine)
    {
        try
        {
            while (!_stopping.IsCancellationRequested)
            {
                await TurnAsync(engine).ConfigureAwait(false);
                engine = null;
            }

            _completion.TrySetResult();
        }
        catch (Exception e)
        {
            VaiException error = e as VaiException ?? new VaiEngineException(VaiError.EngineLost, $"The supervisor of the engine failed ({e.Message}). Report it.", e);
            GoDown(error.Message);
            _completion.TrySetException(error);
            _ = _completion.Task.Exception;
        }
    }

    /// <summary>One engine, from its start to its end.</summary>
    private async Task TurnAsync(EngineProcess? engine)
    {
        long asked = Stopwatch.GetTimestamp();
        TimeSpan served = TimeSpan.Zero;
        string? failure = null;
        bool started = engine is not null;
        try
        {
            engine ??= await _standby.TakeAsync().ConfigureAwait(false) ?? Start(isBlamed: false, isolated: false);
            started = true;
            engine.IsBlamed = true;
            EngineLink link = await engine.Ready.WaitAsync(_options.StartLimit, _stopping.Token).ConfigureAwait(false);
            engine.State = EngineState.TakingOver;
            Leave(engine);
            await ReloadAsync(engine, link).ConfigureAwait(false);
            if (Restarts > 0)
                _log.WorkerServes(engine.Id, Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
            long since = Stopwatch.GetTimestamp();
            Serve(engine);
            await engine.Ended.WaitAsync(_stopping.Token).ConfigureAwait(false);
            served = Stopwatch.GetElapsedTime(since);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Stopping.
        }
        catch (Exception e)
        {
            failure = e.Message;
            _log.WorkerUnusable(engine?.Id ?? 0, e.Message);
        }

        if (_stopping.IsCancellationRequested)
        {
            if (engine is not null)
                await engine.DisposeAsync().ConfigureAwait(false);
            return;
        }

        TimeSpan wait = _backoff.Next(served);
        long answered = engine?.Answered ?? 0;
        if (engine is not null)
            _ = BuryAsync(engine, Interlocked.Increment(ref _restarts), wait);
        if (!_budget.Spend(served, answered))
            GiveUp(failure);
        if (failure is not null && (!started || _budget.Count > 1))
            GoDown(failure);
        await Task.Delay(wait, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Serve(EngineProcess engine)
    {
        lock (_gate)
        {
            if (engine.HasEnded)
                return;
            engine.State = EngineState.Serving;
            Volatile.Write(ref _down, null);
            _serving.Serve(engine);
        }

        _ = PrepareNext();
        Reconcile();
    }

    private void GoDown(string reason)
    {
        lock (_gate)
        {
            Volatile.Write(ref _down, reason);
            _serving.Refuse(NoEngine(reason));
        }
    }

    private void GiveUp(string? failure) => throw new VaiEngineException(
        VaiError.EngineLost,
        $"{_options.Failures} engine processes within {_options.FailureWindow.TotalMinutes:0.#} minutes were of no use; the last one: "
        + $"{failure ?? "it ended before it had answered anything."} See the log, or run 'vai doctor'.");

    private void Leave(EngineProcess heir)
    {
        try
        {
            _estate.Leave(heir.Number);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Copies only: what they hold is computed again.
            _log.CopiesLost(e.Message);
        }
    }

    // What it ended by is known only after its memory is freed: the next one need not wait for that.
    private async Task BuryAsync(EngineProcess engine, int restarts, TimeSpan wait)
    {
        try
        {
            if (!engine.HasEnded)
                engine.Condemn("it was of no use");
            _log.WorkerEnded(engine.Id, await engine.ReasonAsync().ConfigureAwait(false), restarts, wait.TotalMilliseconds);
            await engine.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            _log.CopiesLost(e.Message);
        }
    }

    // Looks at all engines that live, whatever they are for.
    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(_options.Tick);
        int ticks = 0, compares = Math.Max(1, (int)(_options.Comparison / _options.Tick));
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                Volatile.Write(ref _alive, Stopwatch.GetTimestamp());
                ticks++;
                _standby.Tend(_stopping.Token);
                (EngineProcess Engine, EngineWatch Watch)[] engines;
                lock (_gate)
                    engines = [.. _engines];
                foreach ((EngineProcess engine, EngineWatch watch) in engines)
                {
                    engine.Link?.Relieve(_options.Tick);
                    if (ticks % compares == 0)
                        _ = CompareAsync(engine);
                    if (watch.Tick() is not { } wrong)
                        continue;
                    _log.WorkerHangs(engine.Id, wrong);
                    engine.Condemn(wrong);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
        catch (Exception e)
        {
            _completion.TrySetException(new VaiEngineException(VaiError.EngineLost, $"The watch over the engine failed ({e.Message}). Report it.", e));
            _ = _completion.Task.Exception;
        }
    }

    // What an engine has lost is asked again as after its end. One that loses more and more is not well.
    private async Task CompareAsync(EngineProcess engine)
    {
        try
        {
            if (engine.Link is not { } link)
                return;
            foreach (Exchange lost in await link.CompareAsync(_stopping.Token).ConfigureAwait(false))
            {
                engine.Lost++;
                _log.RequestLost(engine.Id, lost.Request?.Id ?? "of the supervisor's own", lost.Request?.Model ?? "no model");
            }

            if (engine.Lost >= _options.Losses && !engine.HasEnded)
            {
                string wrong = $"it has lost {engine.Lost} requests";
                _log.WorkerHangs(engine.Id, wrong);
                engine.Condemn(wrong);
            }
        }
        catch (Exception e) when (e is VaiException or LinkEndedException or OperationCanceledException or ObjectDisposedException)
        {
            // It has ended, or the daemon does.
        }
    }
}
