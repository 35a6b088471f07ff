using VAI.Daemon.Supervision.Engines;
using VAI.Daemon.Supervision.Link;
using VAI.Daemon.Supervision.Proxy;
using VAI.Remote.Wire;

namespace VAI.Daemon.Supervision;

/// <content>What is wanted, and how it comes to be loaded.</content>
internal sealed partial class Supervisor
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastRetry = TimeSpan.FromMinutes(1);

    private TaskCompletionSource _wish = NewWish();
    private int _reconciling;

    /// <summary>What is known of a model that is wanted; null for any other.</summary>
    public WantedModel? Wanted(string model) => _wanted.Find(model);

    /// <summary>A model is to be loaded in this engine and whichever follows. What comes of it the log says, and <see cref="Wanted"/>.</summary>
    public void Want(ModelOptions model)
    {
        _wanted.Want(model);
        Interlocked.Exchange(ref _wish, NewWish()).TrySetResult();
        Reconcile();
    }

    /// <summary>A model is to go with its last session: until then whichever engine serves has it. False if it is not wanted.</summary>
    public bool Leave(string model) => _wanted.Leave(model);

    /// <summary>The model is loaded, and is to be again in the next engine process.</summary>
    public void Loaded(ModelOptions model, long bytes)
    {
        _wanted.Add(model, bytes);
        _blame.Loaded(model.Name);
        _ = PrepareNext();
        Reconcile();
    }

    /// <summary>It is not to be loaded any more. Ends when no process that stands by holds its ROM.</summary>
    public Task Unloaded(string model)
    {
        _wanted.Remove(model);
        lock (_gate)
            Current?.Loaded.Remove(model);
        return PrepareNext();
    }

    private void ThrowIfMissing(Request request, EngineProcess engine)
    {
        if (request.Model is not { } model || request.IsLoad || _wanted.Find(model) is not { Failure: not null } wanted)
            return;
        lock (_gate)
        {
            if (engine.Loaded.Contains(model))
                return;
        }

        throw wanted.NotThere();
    }

    private Task PrepareNext() => _stopping.IsCancellationRequested
        ? Task.CompletedTask
        : _standby.Prepare(
            [.. _wanted.All.Where(w => w.Bytes > 0 && !_blame.IsQuarantined(w.Model.Name))],
            Restarts == 0 ? _options.FirstStandby : _options.NextStandby,
            _stopping.Token);

    /// <summary>
    /// Loads what is wanted: what is prepared or has a ROM at once, unless the last one died of a load, so that it is known of which. Of what
    /// fails for any other reason than the engine's end the rest is served, and it is tried again, as is what was never loaded.
    /// </summary>
    private async Task ReloadAsync(EngineProcess engine, EngineLink link)
    {
        WantedModel[] all = [.. _wanted.All.Where(w => w.Bytes > 0)];
        if (!_blame.DiedLoading && all.Length > 0)
            await LoadReadyAsync(link, all).ConfigureAwait(false);
        foreach (WantedModel wanted in all)
            await LoadAsync(engine, link, wanted).ConfigureAwait(false);
    }

    private async Task LoadReadyAsync(EngineLink link, WantedModel[] wanted)
    {
        ModelOptions[] models = [.. wanted.Select(w => w.Model).Where(m => !_blame.IsQuarantined(m.Name))];
        try
        {
            await link.CallAsync(
                new CallHead(LinkMethod.LoadReady, 0, 0), new WirePrepare(models), WireJson.Default.WirePrepare, _stopping.Token,
                loading: [.. models.Select(m => m.Name)]).ConfigureAwait(false);
        }
        catch (VaiException)
        {
            // Their own loads say why.
        }
    }

    private async Task<bool> LoadAsync(EngineProcess engine, EngineLink link, WantedModel wanted)
    {
        string name = wanted.Model.Name;
        if (_blame.IsQuarantined(name))
            return true;
        try
        {
            WireModel data = await EngineVai.LoadAsync(link, wanted.Model, null, null, _stopping.Token).ConfigureAwait(false);
            _blame.Loaded(name);
            if (_wanted.Find(name) is null)
            {
                // Unloaded meanwhile.
                await ForgetAsync(link, name).ConfigureAwait(false);
                return true;
            }

            lock (_gate)
                engine.Loaded.Add(name);
            _wanted.Note(name, data.Info.WeightBytes, null);
            ModelChanged?.Invoke(name, data);
            if (wanted.Bytes > 0)
                return true;
            _log.ModelServed(name, data.Info.WeightBytes >> 20, data.LoadMs);
            _ = PrepareNext();
            return true;
        }
        catch (VaiException e)
        {
            if (wanted.Failure != e.Message && wanted.Bytes > 0)
                _log.ModelNotReloaded(name, e.Message);
            else if (wanted.Failure != e.Message)
                _log.ModelNotLoaded(name, e.Message);
            _wanted.Note(name, 0, e.Message);
            return false;
        }
    }

    private async Task ForgetAsync(EngineLink link, string name)
    {
        try
        {
            await link.UnloadAsync(name, _stopping.Token).ConfigureAwait(false);
        }
        catch (VaiException)
        {
            // It is not there.
        }
    }

    /// <summary>Sees to it that what is wanted is loaded where it is not, again and again, for as long as this engine serves.</summary>
    private void Reconcile()
    {
        if (Current is not { } engine || Interlocked.Exchange(ref _reconciling, 1) != 0)
            return;
        _ = Task.Run(() => ReconcileAsync(engine));
    }

    private async Task ReconcileAsync(EngineProcess engine)
    {
        try
        {
            TimeSpan wait = FirstRetry;
            while (!engine.HasEnded && engine.Link is { } link)
            {
                Task wish = Volatile.Read(ref _wish).Task;
                bool all = true;
                foreach (WantedModel wanted in Missing(engine))
                    all &= await LoadAsync(engine, link, wanted).ConfigureAwait(false);
                if (all && Missing(engine).Count == 0)
                    break;
                await Task.WhenAny(engine.Ended, wish, Task.Delay(wait, _stopping.Token)).ConfigureAwait(false);
                if (_stopping.IsCancellationRequested)
                    return;
                wait = wish.IsCompleted ? FirstRetry : wait * 2 < LastRetry ? wait * 2 : LastRetry;
            }
        }
        catch (Exception e) when (e is LinkEndedException or OperationCanceledException)
        {
            // The next engine loads all of it.
        }
        finally
        {
            Volatile.Write(ref _reconciling, 0);
        }

        // Another may have come, or another be wanted, while this one was being seen to.
        if (Current is { } now && (now != engine || Missing(now).Count > 0))
            Reconcile();
    }

    private List<WantedModel> Missing(EngineProcess engine)
    {
        lock (_gate)
            return [.. _wanted.All.Where(w => !engine.Loaded.Contains(w.Model.Name) && !_blame.IsQuarantined(w.Model.Name))];
    }

    private static TaskCompletionSource NewWish() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
