using System.Diagnostics;
using Microsoft.Extensions.Logging;
using VAI.Remote;

namespace VAI.Daemon.Supervision;

/// <summary>
/// Keeps one engine process running and its models loaded. As an endpoint it is the engine that serves at the moment; while there is
/// none, who asks waits. A second process stands by with the models attached: the first one's death costs little more than a step.
/// </summary>
/// <remarks>No code of llama.cpp runs in this process.</remarks>
internal sealed class Supervisor : IEndpoint, IAsyncDisposable
{
    private readonly Standby _standby;
    private readonly KvEstate _estate;
    private readonly ILogger _log;
    private readonly Blame _blame = new(TimeProvider.System);
    private readonly Backoff _backoff = new();
    private readonly CancellationTokenSource _stopping = new();

    // The models to have loaded, in the order of their loads, and those being loaded now.
    private readonly Lock _gate = new();
    private readonly List<(ModelOptions Model, long Bytes)> _wanted = [];
    private readonly List<LoadMark> _loading = [];
    private TaskCompletionSource<WorkerProcess> _serving = NewServing();
    private Task _run = Task.CompletedTask;
    private int _restarts;

    /// <param name="command">Starts an engine process.</param>
    /// <param name="config">What it is told.</param>
    /// <param name="directory">A private directory for the sockets.</param>
    /// <param name="estate">Where they keep copies of KV.</param>
    /// <param name="log">Where to log to.</param>
    public Supervisor(WorkerCommand command, WorkerConfig config, string directory, KvEstate estate, ILogger log)
    {
        _log = log;
        _estate = estate;
        _standby = new Standby(command, config, directory, estate, log);
    }

    /// <summary>How many engine processes died.</summary>
    public int Restarts => Volatile.Read(ref _restarts);

    /// <summary>The engine process that serves; null while there is none.</summary>
    public int? WorkerId => Serving is { IsCompletedSuccessfully: true, Result: { HasEnded: false } worker } ? worker.Id : null;

    private Task<WorkerProcess> Serving
    {
        get
        {
            lock (_gate)
                return _serving.Task;
        }
    }

    /// <summary>Starts the engine, and returns when it answers.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.EngineLost"/>: it ended at once.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        WorkerProcess first = await _standby.TakeAsync().ConfigureAwait(false);
        await first.Ready.WaitAsync(cancellationToken).ConfigureAwait(false);
        _run = RunAsync(first);
        await Serving.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            WorkerProcess worker = await ServingAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                return await new WorkerEndpoint(worker).ConnectAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (VaiEngineException)
            {
                // One whose socket is closed is ending, or of no use.
                await DiscardAsync(worker).ConfigureAwait(false);
            }
        }
    }

    public async ValueTask RecoverAsync(string? model, Exception cause, CancellationToken cancellationToken)
    {
        Task<WorkerProcess> serving = Serving;
        if (serving.IsCompletedSuccessfully && !await AnswersAsync(serving.Result, cancellationToken).ConfigureAwait(false))
            await DiscardAsync(serving.Result).ConfigureAwait(false);
        if (model is not null)
            _blame.Interrupted(model);
        WorkerProcess worker = await ServingAsync(cancellationToken).ConfigureAwait(false);
        if (model is null)
            return;
        foreach (string guilty in _blame.Judge())
            _ = QuarantineLateAsync(worker, guilty);
        ThrowIfQuarantined(model);
    }

    public bool IsQuarantined(string model) => _blame.IsQuarantined(model);

    /// <exception cref="VaiEngineException"><see cref="VaiError.ModelQuarantined"/>.</exception>
    public void ThrowIfQuarantined(string model)
    {
        if (!_blame.IsQuarantined(model))
            return;
        throw new VaiEngineException(
            VaiError.ModelQuarantined,
            $"'{model}' ended the engine process {Blame.Strikes} times within {Blame.Window.TotalMinutes:0} minutes and is not loaded any more. "
            + $"Load it again, if you must ('vai load {model}').");
    }

    /// <summary>A load begins: of a model in quarantine, too. To be disposed when it is over, however it ends.</summary>
    public LoadMark Loading(string model)
    {
        _blame.Forgive(model);
        return new LoadMark(this, model);
    }

    /// <summary>The model is loaded, and is to be again in the next engine process.</summary>
    public void Loaded(ModelOptions model, long bytes)
    {
        lock (_gate)
        {
            _wanted.RemoveAll(w => w.Model.Name == model.Name);
            _wanted.Add((model, bytes));
        }

        _ = PrepareNext();
    }

    /// <summary>It is not to be loaded any more. Ends when no process that stands by holds its ROM.</summary>
    public Task Unloaded(string model)
    {
        lock (_gate)
            _wanted.RemoveAll(w => w.Model.Name == model);
        return PrepareNext();
    }

    /// <summary>Ends the engine.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        lock (_gate)
        {
            _serving.TrySetException(Stopped());
            _ = _serving.Task.Exception;
        }

        await _standby.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private static TaskCompletionSource<WorkerProcess> NewServing() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static VaiEngineException Stopped() =>
        new(VaiError.DaemonUnavailable, "The daemon is stopping. Ask again when it was started again.");

    private async Task RunAsync(WorkerProcess? worker)
    {
        TimeSpan served = TimeSpan.Zero;
        while (!_stopping.IsCancellationRequested)
        {
            long since = Stopwatch.GetTimestamp();
            bool sideBySide = served > TimeSpan.Zero;
            served = TimeSpan.Zero;
            worker ??= await _standby.TakeAsync().ConfigureAwait(false);
            try
            {
                await worker.Ready.WaitAsync(_stopping.Token).ConfigureAwait(false);
                Leave(worker);
                await ReloadAsync(worker, sideBySide).ConfigureAwait(false);
                if (Restarts > 0)
                    _log.WorkerServes(worker.Id, Stopwatch.GetElapsedTime(since).TotalMilliseconds);
                since = Stopwatch.GetTimestamp();
                lock (_gate)
                    _serving.TrySetResult(worker);
                _ = PrepareNext();
                await worker.Ended.WaitAsync(_stopping.Token).ConfigureAwait(false);
                served = Stopwatch.GetElapsedTime(since);
            }
            catch (VaiException e)
            {
                _log.WorkerUnusable(worker.Id, e.Message);
            }
            catch (OperationCanceledException)
            {
                // Stopping.
            }

            Lost(worker);
            await EndAsync(worker, _backoff.Next(served)).ConfigureAwait(false);
            worker = null;
        }
    }

    private void Leave(WorkerProcess heir)
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

    private Task PrepareNext()
    {
        lock (_gate)
            return _standby.Prepare([.. _wanted], _stopping.Token);
    }

    private async Task EndAsync(WorkerProcess worker, TimeSpan wait)
    {
        if (_stopping.IsCancellationRequested)
        {
            await worker.DisposeAsync().ConfigureAwait(false);
            return;
        }

        int restarts = Interlocked.Increment(ref _restarts);
        _ = BuryAsync(worker, restarts, wait);
        try
        {
            await Task.Delay(wait, _stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    // What it ended by is known only after its memory is freed: the next one need not wait for that.
    private async Task BuryAsync(WorkerProcess worker, int restarts, TimeSpan wait)
    {
        worker.Kill();
        _log.WorkerEnded(worker.Id, await worker.ReasonAsync().ConfigureAwait(false), restarts, wait.TotalMilliseconds);
        await worker.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>The engine does not serve any more: from now on who asks waits. Called by whoever notices first.</summary>
    private void Lost(WorkerProcess worker)
    {
        lock (_gate)
        {
            bool served = _serving.Task.IsCompletedSuccessfully && _serving.Task.Result == worker;
            if (!served && !worker.HasEnded)
                return;
            if (served)
                _serving = NewServing();
            else if (_serving.Task.IsCompleted)
                return;
            if (!_stopping.IsCancellationRequested && worker.TryNoteDeath())
                _blame.Died(_loading.Select(m => m.Model));
        }
    }

    private async Task DiscardAsync(WorkerProcess worker)
    {
        worker.Kill();
        await worker.Ended.ConfigureAwait(false);
        Lost(worker);
    }

    /// <summary>Loads what the last one had.</summary>
    /// <param name="worker">The next one.</param>
    /// <param name="sideBySide">
    /// What it is prepared for at once. Where the last one died of a load one goes after the other, so that it is known of which.
    /// </param>
    private async Task ReloadAsync(WorkerProcess worker, bool sideBySide)
    {
        ModelOptions[] wanted;
        lock (_gate)
            wanted = [.. _wanted.Select(w => w.Model)];
        await using var vai = new RemoteVai(new WorkerEndpoint(worker));
        if (sideBySide && !wanted.Any(m => _blame.IsQuarantined(m.Name)))
            await LoadPreparedAsync(worker, vai).ConfigureAwait(false);
        foreach (ModelOptions model in wanted.Where(m => !_blame.IsQuarantined(m.Name)))
        {
            using var mark = new LoadMark(this, model.Name);
            try
            {
                await vai.LoadAsync(model, null, _stopping.Token).ConfigureAwait(false);
            }
            catch (VaiException e) when (!worker.HasEnded && e.Code != VaiError.EngineLost)
            {
                _log.ModelNotReloaded(model.Name, e.Message);
                _ = Unloaded(model.Name);
            }
            catch
            {
                await DiscardAsync(worker).ConfigureAwait(false);
                throw;
            }
        }

        foreach (string guilty in _blame.Judge())
            await QuarantineAsync(vai, guilty).ConfigureAwait(false);
    }

    private async Task LoadPreparedAsync(WorkerProcess worker, RemoteVai vai)
    {
        try
        {
            await vai.LoadPreparedAsync(_stopping.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is VaiException || RemoteLink.IsBreak(e))
        {
            if (!worker.HasEnded)
                return;
            await DiscardAsync(worker).ConfigureAwait(false);
            throw new VaiEngineException(VaiError.EngineLost, $"It ended while it took over: {e.Message}", e);
        }
    }

    private async Task QuarantineAsync(RemoteVai vai, string guilty)
    {
        _log.ModelQuarantined(guilty);
        _ = Unloaded(guilty);
        LoadMark[] loading;
        lock (_gate)
            loading = [.. _loading.Where(m => m.Model == guilty)];
        foreach (LoadMark mark in loading)
            mark.GiveUp();
        if (vai.Models.FirstOrDefault(m => m.Name == guilty) is { } model)
            await vai.UnloadAsync(model.Handle, _stopping.Token).ConfigureAwait(false);
    }

    // It was loaded again before that was known.
    private async Task QuarantineLateAsync(WorkerProcess worker, string guilty)
    {
        try
        {
            await using var vai = new RemoteVai(new WorkerEndpoint(worker));
            await QuarantineAsync(vai, guilty).ConfigureAwait(false);
        }
        catch (Exception e) when (e is VaiException or OperationCanceledException)
        {
            // The engine ends, or has a session of it open: nobody can ask for it, and the next engine is without it.
        }
    }

    private async Task<WorkerProcess> ServingAsync(CancellationToken cancellationToken)
    {
        if (_stopping.IsCancellationRequested)
            throw Stopped();
        return await Serving.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether it was the connection that broke, and not the engine.</summary>
    private static async Task<bool> AnswersAsync(WorkerProcess worker, CancellationToken cancellationToken)
    {
        if (worker.HasEnded)
            return false;
        try
        {
            await using var vai = new RemoteVai(new WorkerEndpoint(worker));
            await vai.RefreshAsync(cancellationToken).ConfigureAwait(false);
            return !worker.HasEnded;
        }
        catch (VaiException)
        {
            return false;
        }
    }

    /// <summary>A load that is going on.</summary>
    internal sealed class LoadMark : IDisposable
    {
        private readonly Supervisor _owner;
        private readonly CancellationTokenSource _givenUp = new();

        public LoadMark(Supervisor owner, string model)
        {
            (_owner, Model) = (owner, model);
            lock (owner._gate)
                owner._loading.Add(this);
        }

        public string Model { get; }

        /// <summary>Cancelled when the load has ended the engine too often.</summary>
        public CancellationToken GivenUp => _givenUp.Token;

        // Its source is not disposed: it may be cancelled at the same time, and has no timer.
        public void GiveUp() => _givenUp.Cancel();

        public void Dispose()
        {
            lock (_owner._gate)
                _owner._loading.Remove(this);
        }
    }
}
