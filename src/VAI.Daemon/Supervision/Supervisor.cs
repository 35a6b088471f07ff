using System.Diagnostics;
using Microsoft.Extensions.Logging;
using VAI.Daemon.Supervision.Engines;
using VAI.Daemon.Supervision.Failures;
using VAI.Daemon.Supervision.Link;
using VAI.Daemon.Supervision.Proxy;
using VAI.Remote.Wire;

namespace VAI.Daemon.Supervision;

/// <summary>
/// Keeps one engine process serving, with what is wanted loaded, and a second one standing by, so that the first one's death costs little more
/// than a step. While one takes over, who asks waits; while none can be had, who asks is told so at once.
/// </summary>
/// <remarks>
/// One loop drives <see cref="EngineState"/>. It cannot end without <see cref="Completion"/>'s ending, with which the daemon ends. No code of
/// llama.cpp runs in this process. What is wanted is <see cref="WantedModels"/>'s, whether an engine comes on <see cref="EngineWatch"/>'s, who is to
/// blame <see cref="Blame"/>'s.
/// </remarks>
internal sealed partial class Supervisor : IEngines, IAsyncDisposable
{
    private readonly WorkerCommand _command;
    private readonly WorkerConfig _config;
    private readonly string _directory;
    private readonly KvEstate _estate;
    private readonly ILogger _log;
    private readonly SupervisionOptions _options;
    private readonly Standby _standby;
    private readonly Isolation _isolation;
    private readonly Blame _blame = new();
    private readonly Backoff _backoff = new();
    private readonly FailureBudget _budget;
    private readonly WantedModels _wanted = new();
    private readonly CancellationTokenSource _stopping = new();

    private readonly Lock _gate = new();
    private readonly List<(EngineProcess Engine, EngineWatch Watch)> _engines = [];
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Serving _serving = new();
    private string? _down;
    private Task _run = Task.CompletedTask;
    private Task _watching = Task.CompletedTask;
    private long _alive = Stopwatch.GetTimestamp();
    private int _started;
    private int _restarts;

    /// <param name="command">Starts an engine process.</param>
    /// <param name="config">What it is told.</param>
    /// <param name="directory">A private directory for the sockets.</param>
    /// <param name="estate">Where they keep copies of KV.</param>
    /// <param name="log">Where to log to.</param>
    /// <param name="options">How patient it is; null for the defaults.</param>
    public Supervisor(
        WorkerCommand command, WorkerConfig config, string directory, KvEstate estate, ILogger log, SupervisionOptions? options = null)
    {
        (_command, _config, _directory, _estate, _log) = (command, config, directory, estate, log);
        _options = options ?? new SupervisionOptions();
        _budget = new FailureBudget(_options, TimeProvider.System);
        _standby = new Standby(() => Start(isBlamed: false, isolated: false), () => Current?.Link is { IsBusy: true }, _options, log);
        _isolation = new Isolation(() => Start(isBlamed: true, isolated: true), _options, _blame);
    }

    public Action<string, WireModel?>? ModelChanged { get; set; }

    /// <summary>Ends with the supervisor: with an error where it gives up.</summary>
    public Task Completion => _completion.Task;

    /// <summary>How many engine processes died.</summary>
    public int Restarts => Volatile.Read(ref _restarts);

    /// <summary>The engine process that serves; null while there is none.</summary>
    public int? WorkerId => Current?.Id;

    /// <summary>Why no engine can be had; null while one serves, or takes over.</summary>
    public string? Unavailable => Volatile.Read(ref _down);

    /// <summary>Whether the supervisor itself comes on: it has looked at its engines lately.</summary>
    public bool IsAlive => !_completion.Task.IsCompleted && Stopwatch.GetElapsedTime(Volatile.Read(ref _alive)) < _options.Tick * 20 + TimeSpan.FromSeconds(5);

    private EngineProcess? Current
    {
        get
        {
            lock (_gate)
                return _serving.Begun.Task is { IsCompletedSuccessfully: true, Result: { HasEnded: false } engine } ? engine : null;
        }
    }

    /// <summary>Starts the engine, and returns when it serves.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.EngineLost"/>: it ended at once.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _watching = WatchAsync();
        EngineProcess first = Start(isBlamed: false, isolated: false);
        try
        {
            await first.Ready.WaitAsync(_options.StartLimit, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await first.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        _run = RunAsync(first);
        Task<EngineProcess> serving;
        lock (_gate)
            serving = _serving.Begun.Task;

        // All may have failed before one served.
        Task ended = await Task.WhenAny(serving, Completion).WaitAsync(cancellationToken).ConfigureAwait(false);
        await ended.ConfigureAwait(false);
    }

    public async ValueTask<EngineStay> EnterAsync(Request request, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (request.Model is { } model)
                ThrowIfQuarantined(model);
            switch (request.IsLoad ? Verdict.Innocent : _blame.Judge(request))
            {
                case Verdict.Guilty:
                    _log.RequestQuarantined(request.Id, request.Model ?? "no model");
                    throw Quarantined(request);
                case Verdict.Suspect:
                    _log.RequestSuspected(request.Id, request.Model ?? "no model");
                    return await _isolation.EnterAsync(request, request.Model is { } its ? _wanted.Find(its)?.Model : null, cancellationToken).ConfigureAwait(false);
                default:
                    break;
            }

            EngineProcess engine = await ServingAsync(request, cancellationToken).ConfigureAwait(false);
            if (!engine.HasEnded)
            {
                ThrowIfMissing(request, engine);
                return new EngineStay(engine.Link!, null);
            }

            // Its end is being noted.
            await engine.Ended.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public bool IsQuarantined(string model) => _blame.IsQuarantined(model);

    /// <exception cref="VaiEngineException"><see cref="VaiError.ModelQuarantined"/>.</exception>
    public void ThrowIfQuarantined(string model)
    {
        if (!_blame.IsQuarantined(model))
            return;
        throw new VaiEngineException(
            VaiError.ModelQuarantined,
            $"Loading '{model}' ended the engine process {Blame.Strikes} times in a row, and it is not loaded any more. Load it again, if you must "
            + $"('vai load {model}'): that is tried in a process of its own first.");
    }

    /// <summary>Tries a load that is in quarantine where it can harm nobody; if it succeeds the quarantine is over.</summary>
    /// <exception cref="VaiException">It did not.</exception>
    public async Task TryApartAsync(ModelOptions model, CancellationToken cancellationToken)
    {
        try
        {
            EngineStay stay = await _isolation.EnterAsync(new Request(null), model, cancellationToken).ConfigureAwait(false);
            await stay.DisposeAsync().ConfigureAwait(false);
        }
        catch (VaiEngineException e) when (e.Code == VaiError.EngineLost)
        {
            ThrowIfQuarantined(model.Name);
            throw;
        }

        _blame.Loaded(model.Name);
    }

    /// <summary>Asks the engine that serves now for a document; null while none does.</summary>
    public async Task<TAnswer?> AskAsync<TAnswer>(
        LinkMethod method, System.Text.Json.Serialization.Metadata.JsonTypeInfo<TAnswer> type, CancellationToken cancellationToken)
        where TAnswer : class
    {
        try
        {
            return Current?.Link is { } link
                ? await link.CallAsync(new CallHead(method, 0, 0), new WireVerb(null, null, null), WireJson.Default.WireVerb, type, cancellationToken).ConfigureAwait(false)
                : null;
        }
        catch (LinkEndedException)
        {
            return null;
        }
    }

    /// <summary>Ends the engine.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        lock (_gate)
            _serving.Fail(Stopped());
        await _standby.DisposeAsync().ConfigureAwait(false);
        _completion.TrySetResult();
        _stopping.Dispose();
    }

    private static VaiEngineException Stopped() =>
        new(VaiError.DaemonUnavailable, "The daemon is stopping. Ask again when it was started again.");

    private static VaiEngineException NoEngine(string reason) => new(
        VaiError.EngineLost, $"The daemon has no engine process at the moment: {reason} It goes on trying: ask again in a second.");

    private static VaiEngineException Quarantined(Request request) => new(
        VaiError.RequestQuarantined,
        $"Request {request.Id} ended the engine process, and then one that it had for itself: it is not tried again. Others and its model go on. "
        + "Change what is asked, and report it with the daemon's log.");

    private async ValueTask<EngineProcess> ServingAsync(Request request, CancellationToken cancellationToken)
    {
        Task<EngineProcess> serving;
        lock (_gate)
        {
            if (_stopping.IsCancellationRequested)
                throw Stopped();
            serving = (request.IsBegun ? _serving.Begun : _serving.New).Task;
        }

        if (serving.IsCompletedSuccessfully || !request.IsBegun)
            return await serving.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await serving.WaitAsync(_options.Resumption, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw NoEngine(Unavailable ?? "none has become ready in time.");
        }
    }

    private EngineProcess Start(bool isBlamed, bool isolated)
    {
        int number = Interlocked.Increment(ref _started);
        EngineProcess engine = EngineProcess.Start(
            _command, _config with { StashDirectory = _estate.Of(number) }, number, _directory, (e, lost) => Died(e, lost, isolated));
        engine.IsBlamed = isBlamed;
        lock (_gate)
            _engines.Add((engine, new EngineWatch(engine, _options)));
        return engine;
    }

    /// <summary>An engine is gone: from now on who asks waits, and who had asked may come back.</summary>
    private void Died(EngineProcess engine, IReadOnlyList<Exchange> lost, bool isolated)
    {
        lock (_gate)
        {
            _engines.RemoveAll(e => e.Engine == engine);
            if (_serving.Begun.Task is { IsCompletedSuccessfully: true } serving && serving.Result == engine)
                _serving = new Serving();
        }

        if (!engine.IsBlamed || _stopping.IsCancellationRequested)
            return;
        foreach (string model in _blame.Died(lost, isolated))
        {
            _log.ModelQuarantined(model);
            ModelChanged?.Invoke(model, null);
        }
    }

    /// <summary>Who is waited for: by those whom an engine has begun, and by new ones, who are told when there is none.</summary>
    private sealed class Serving
    {
        public TaskCompletionSource<EngineProcess> Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<EngineProcess> New { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Refuse(VaiEngineException reason)
        {
            if (New.TrySetException(reason))
                _ = New.Task.Exception;
        }

        public void Serve(EngineProcess engine)
        {
            if (New.Task.IsCompleted)
                New = new TaskCompletionSource<EngineProcess>(TaskCreationOptions.RunContinuationsAsynchronously);
            New.TrySetResult(engine);
            Begun.TrySetResult(engine);
        }

        public void Fail(VaiEngineException reason)
        {
            Refuse(reason);
            if (Begun.TrySetException(reason))
                _ = Begun.Task.Exception;
        }
    }
}
