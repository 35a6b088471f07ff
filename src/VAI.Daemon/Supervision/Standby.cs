using System.Diagnostics;
using Microsoft.Extensions.Logging;
using VAI.Daemon.Supervision.Engines;
using VAI.Daemon.Supervision.Link;
using VAI.Daemon.Supervision.Proxy;
using VAI.Pipeline.Steps;
using VAI.Remote.Wire;
using VAI.Sessions;

namespace VAI.Daemon.Supervision;

/// <summary>
/// The engine process that takes over. It has llama.cpp loaded and has run what a takeover runs, on a model of a few cells that it
/// forgot again, and it has the ROMs attached, which takes no memory, and small SRAM cleared: what is left of a takeover is large SRAM.
/// </summary>
/// <param name="start">Starts a process.</param>
/// <param name="serves">Whether somebody is served, who needs the cores.</param>
/// <param name="options">How long it is put off while somebody is, and how long it may take to answer when it is to take over.</param>
/// <param name="log">Where to log to.</param>
internal sealed class Standby(Func<EngineProcess> start, Func<bool> serves, SupervisionOptions options, ILogger log) : IAsyncDisposable
{
    private const string WarmName = "warming up";
    private const int WarmTokens = 64;
    private const int WarmLayers = 2;
    private const int Slices = 4;

    private readonly Lock _gate = new();
    private IReadOnlyList<WantedModel> _wanted = [];
    private long _gone;
    private int _failures;
    private Task<EngineProcess?>? _prepared;
    private CancellationTokenSource _needed = new();

    /// <summary>
    /// Has a process stand by for these models, unless there are none: begins to start one, or tells the one that there is.
    /// </summary>
    /// <param name="wanted">The models.</param>
    /// <param name="putOff">How long its start may wait for a time in which nobody is served.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Ends when a process that stands by already has been told: it holds no other ROM any more.</returns>
    public Task Prepare(IReadOnlyList<WantedModel> wanted, TimeSpan putOff, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _wanted = wanted;
            _gone = 0;
            if (_prepared is null || IsGone)
            {
                if (_prepared is { IsCompletedSuccessfully: true, Result: { } dead })
                    _ = dead.DisposeAsync().AsTask();
                _prepared = wanted.Count == 0 ? null : PrepareAsync(putOff, _needed.Token, cancellationToken);
            }
            else
            {
                bool there = _prepared.IsCompleted;
                _prepared = TellAsync(_prepared, cancellationToken);
                return there ? _prepared : Task.CompletedTask;
            }

            return Task.CompletedTask;
        }
    }

    /// <summary>
    /// Has another one started where the one that should stand by could not be, or has ended: after a second, and after twice as long each time, up to a
    /// minute, until one takes over. To be called again and again.
    /// </summary>
    public void Tend(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            // Where one has been taken, whoever serves then asks for the next.
            if (_prepared is null || !IsGone || _wanted.Count == 0)
                return;
            if (_gone == 0)
            {
                _gone = Stopwatch.GetTimestamp();
                if (_prepared is { IsCompletedSuccessfully: true, Result: not null })
                    log.NoStandby("it ended");
            }

            TimeSpan wait = options.StandbyAgain * Math.Pow(2, Math.Min(_failures, 16));
            if (Stopwatch.GetElapsedTime(_gone) < (wait < options.StandbyAgainAtMost ? wait : options.StandbyAgainAtMost))
                return;
            _failures++;
            _ = Prepare(_wanted, options.NextStandby, cancellationToken);
        }
    }

    /// <summary>The process that stands by; null if there is none that lives and answers.</summary>
    public async Task<EngineProcess?> TakeAsync()
    {
        Task<EngineProcess?>? prepared;
        CancellationTokenSource needed;
        lock (_gate)
        {
            (prepared, _prepared) = (_prepared, null);
            (needed, _needed) = (_needed, new CancellationTokenSource());
            _failures = 0;
        }

        // One that is being started is taken as it is; one that was not even started is started sooner by who needs it.
        await needed.CancelAsync().ConfigureAwait(false);

        if (prepared is null || await prepared.ConfigureAwait(false) is not { HasEnded: false, Link: { } link } engine)
            return null;

        // It has had nothing to do: if it does not answer now, another one is started sooner than it would be found out.
        // In slices, of which a sleep of this process' own takes one: behind it the answer is read before the time is up.
        Task answered = link.PingAsync();
        for (int slice = 0; slice < Slices && !answered.IsCompleted && !engine.HasEnded; slice++)
            await Task.WhenAny(answered, engine.Ended, Task.Delay(options.StandbyAnswer / Slices)).ConfigureAwait(false);
        if (answered.IsCompletedSuccessfully)
            return engine;
        engine.Condemn($"it stood by, and has not answered a ping for {options.StandbyAnswer.TotalSeconds:0.#} s");
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        Task<EngineProcess?>? prepared;
        lock (_gate)
            (prepared, _prepared) = (_prepared, null);
        if (prepared is not null && await prepared.ConfigureAwait(false) is { } engine)
            await engine.DisposeAsync().ConfigureAwait(false);
    }

    // Under the lock.
    private bool IsGone => _prepared is { IsFaulted: true } or { IsCanceled: true } or { IsCompletedSuccessfully: true, Result: null or { HasEnded: true } };

    private async Task<EngineProcess?> PrepareAsync(TimeSpan putOff, CancellationToken needed, CancellationToken cancellationToken)
    {
        EngineProcess? engine = null;
        using var sooner = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, needed);
        try
        {
            await QuietAsync(putOff, sooner.Token).ConfigureAwait(false);
            engine = start();
            EngineLink link = await engine.Ready.WaitAsync(options.StartLimit, cancellationToken).ConfigureAwait(false);
            engine.State = EngineState.StandingBy;
            if (Wanted() is { Count: > 0 } wanted)
                await WarmAsync(link, wanted.MinBy(w => w.Bytes)!.Model, sooner.Token, cancellationToken).ConfigureAwait(false);
            await TellAsync(link, sooner.Token).ConfigureAwait(false);
            log.WorkerStandsBy(engine.Id);
            return engine;
        }
        catch (OperationCanceledException) when (needed.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return engine;
        }
        catch (Exception e)
        {
            await GiveUpAsync(engine, e).ConfigureAwait(false);
            return null;
        }
    }

    // Waits until nobody has been served for a while, or that has been waited for long enough.
    private async Task QuietAsync(TimeSpan putOff, CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp(), busy = began;
        while (Stopwatch.GetElapsedTime(busy) < options.Quiet && Stopwatch.GetElapsedTime(began) < putOff)
        {
            await Task.Delay(options.Quiet / 2, cancellationToken).ConfigureAwait(false);
            if (serves())
                busy = Stopwatch.GetTimestamp();
        }
    }

    private async Task<EngineProcess?> TellAsync(Task<EngineProcess?> prepared, CancellationToken cancellationToken)
    {
        if (await prepared.ConfigureAwait(false) is not { HasEnded: false, Link: { } link } engine)
            return null;
        try
        {
            await TellAsync(link, cancellationToken).ConfigureAwait(false);
            return engine;
        }
        catch (Exception e)
        {
            await GiveUpAsync(engine, e).ConfigureAwait(false);
            return null;
        }
    }

    private Task TellAsync(EngineLink link, CancellationToken cancellationToken) => link.CallAsync(
        new CallHead(LinkMethod.Prepare, 0, 0), new WirePrepare([.. Wanted().Select(w => w.Model)]), WireJson.Default.WirePrepare, cancellationToken);

    private IReadOnlyList<WantedModel> Wanted()
    {
        lock (_gate)
            return _wanted;
    }

    // Whatever it was: without one that stands by a takeover takes longer, and that is all.
    private async Task GiveUpAsync(EngineProcess? engine, Exception error)
    {
        if (error is not OperationCanceledException)
            log.NoStandby(error.Message);
        if (engine is not null)
            await engine.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task WarmAsync(EngineLink link, ModelOptions model, CancellationToken cancellationToken, CancellationToken stopping)
    {
        await using var vai = new EngineVai(new OneEngine(link));
        model = model with { Name = WarmName, ContextLength = WarmTokens, SramTokens = WarmTokens, MaxSessions = 1 };

        // A GPU may have no room for weights twice; a layer and the output are enough for its kernels.
        if (model.WantsGpu)
            model.GpuLayers = model.GpuLayers > 0 ? Math.Min(model.GpuLayers.Value, WarmLayers) : WarmLayers;
        try
        {
            IModelContext context = vai.Select(await vai.LoadAsync(model, null, cancellationToken).ConfigureAwait(false));
            if (context.Info.IsEmbedding)
                await context.EmbedAsync("a", cancellationToken).ConfigureAwait(false);
            else
                await WarmAsync((IRebuildableModel)context, cancellationToken).ConfigureAwait(false);
        }
        catch (VaiEngineException e) when (e.Code == VaiError.OutOfMemory)
        {
            // Whoever serves has what a device has. One that is not warm takes over all the same.
        }
        finally
        {
            await ForgetAsync(link, stopping).ConfigureAwait(false);
        }
    }

    // By its name, as whoever gave up waiting for the load does not know whether it succeeded. At the end the process goes, and nobody watches whether
    // it answers any more: it must not be waited for.
    private static async Task ForgetAsync(EngineLink link, CancellationToken stopping)
    {
        try
        {
            await link.UnloadAsync(WarmName, stopping).ConfigureAwait(false);
        }
        catch (Exception e) when (e is VaiException or LinkEndedException)
        {
            // It is not there, or the engine is not.
        }
    }

    // A session, its KV moved out and in again, and one that is taken up in its middle. As few steps as that needs: their threads spin
    // on the cores of those who are served.
    private static async Task WarmAsync(IRebuildableModel model, CancellationToken cancellationToken)
    {
        InferenceOptions options = InferenceOptions.Greedy with { MaxTokens = 2, Seed = 1 };
        await using IInferenceSession session = model.OpenSession();
        await ReadAsync(session.InferAsync("a", options, cancellationToken)).ConfigureAwait(false);
        await session.ParkAsync(cancellationToken).ConfigureAwait(false);
        await ReadAsync(session.InferAsync("b", options with { MaxTokens = 1 }, cancellationToken)).ConfigureAwait(false);
        SessionState state = ((IResumableSession)session).State;
        await using IInferenceSession again = model.OpenSession(null, state);
        int[] token = [Schedule.Id(state.Log[0])];
        await ReadAsync(((IResumableSession)again).ResumeAsync(token, token, options with { MaxTokens = 2 }, cancellationToken)).ConfigureAwait(false);
    }

    private static async Task ReadAsync(IAsyncEnumerable<InferenceUpdate> updates)
    {
        await foreach (InferenceUpdate update in updates.ConfigureAwait(false))
            _ = update;
    }

    /// <summary>One engine, and no other.</summary>
    private sealed class OneEngine(EngineLink link) : IEngines
    {
        public Action<string, WireModel?>? ModelChanged { get; set; }

        public ValueTask<EngineStay> EnterAsync(Request request, CancellationToken cancellationToken) => link.HasEnded
            ? throw new VaiEngineException(VaiError.EngineLost, "The engine process ended.")
            : new ValueTask<EngineStay>(new EngineStay(link, null));
    }
}
