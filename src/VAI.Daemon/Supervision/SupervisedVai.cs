using Microsoft.Extensions.Logging;
using VAI.Daemon.Supervision.Proxy;

namespace VAI.Daemon.Supervision;

/// <summary>
/// The daemon's models: the engine's, with the names that are configured here, and remembered so that the next engine loads them too.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class SupervisedVai(EngineVai engine, Supervisor supervisor, ILogger log, ConfiguredModels configured) : IVai
{
    // How often it is tried to unload what is to go with its last session.
    private static readonly TimeSpan LeaveAgain = TimeSpan.FromMilliseconds(250);

    private readonly Lock _gate = new();
    private volatile ConfiguredModels _configured = configured;

    /// <summary>The models that can be loaded by name.</summary>
    public IReadOnlyList<ModelOptions> Configured => _configured.Known;

    /// <summary>Called before a model is unloaded: what was begun for nobody ends then.</summary>
    public Func<string, ValueTask> Unloading { get; init; } = static _ => ValueTask.CompletedTask;

    public IReadOnlyList<IModelContext> Models => engine.Models;

    public ValueTask<ModelHandle> LoadAsync(
        string name, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (Find(name) is { } model)
            return LoadAsync(model, progress, cancellationToken);
        return engine.Models.FirstOrDefault(m => m.Name == name) is { } loaded
            ? new ValueTask<ModelHandle>(loaded.Handle)
            : throw Unknown(name);
    }

    public async ValueTask<ModelHandle> LoadAsync(
        ModelOptions model, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (supervisor.IsQuarantined(model.Name))
            await supervisor.TryApartAsync(model, cancellationToken).ConfigureAwait(false);
        ModelHandle handle = await engine.LoadAsync(model, progress, cancellationToken).ConfigureAwait(false);
        supervisor.Loaded(model with { }, engine.Select(handle).Info.WeightBytes);
        return handle;
    }

    public ValueTask<MemoryPlan> PlanAsync(ModelOptions model, CancellationToken cancellationToken = default) =>
        engine.PlanAsync(model, cancellationToken);

    public ValueTask<MemoryPlan> PlanAsync(string model, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        return Find(model) is { } options ? engine.PlanAsync(options, cancellationToken) : engine.PlanAsync(model, cancellationToken);
    }

    public ValueTask<IReadOnlyList<ComputeDevice>> DevicesAsync(CancellationToken cancellationToken = default) => engine.DevicesAsync(cancellationToken);

    public async ValueTask UnloadAsync(ModelHandle handle, CancellationToken cancellationToken = default)
    {
        string name = engine.Select(handle).Name;
        await Unloading(name).ConfigureAwait(false);
        await engine.UnloadAsync(handle, cancellationToken).ConfigureAwait(false);
        await supervisor.Unloaded(name).ConfigureAwait(false);
    }

    public IModelContext Select(ModelHandle handle)
    {
        IModelContext model = engine.Select(handle);
        supervisor.ThrowIfQuarantined(model.Name);
        return model;
    }

    public IModelContext Select(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        supervisor.ThrowIfQuarantined(name);
        WantedModel? wanted = supervisor.Wanted(name);
        if (wanted is { Leaves: true })
            throw new VaiUsageException(VaiError.ModelNotLoaded, $"'{name}' was taken out of the configuration, and is unloaded with its last session. Choose another.");
        if (engine.Models.FirstOrDefault(m => m.Name == name) is { } model)
            return model;
        throw wanted is not null ? wanted.NotThere() : Find(name) is null
            ? Unknown(name)
            : new VaiUsageException(VaiError.ModelNotLoaded, $"'{name}' is configured but not loaded. Load it first ('vai load {name}').");
    }

    /// <summary>
    /// Takes up another configuration, and waits for nothing: what it names more is wanted from now on; what it names no more goes with its last
    /// session. What is loaded otherwise than it says stays as it is, and is named in the log; so does what was unloaded by hand.
    /// </summary>
    public void Take(ConfiguredModels next)
    {
        lock (_gate)
        {
            ConfiguredModels before = _configured;
            _configured = next;
            foreach (string name in next.Named.Except(before.Named, StringComparer.Ordinal))
                supervisor.Want(Find(name)!);
            foreach (string name in before.Named.Except(next.Named, StringComparer.Ordinal).Where(supervisor.Leave))
            {
                log.ModelLeaves(name);
                _ = LeaveAsync(name);
            }

            string[] otherwise = [.. next.Known.Where(m => supervisor.Wanted(m.Name) is { } wanted && !wanted.Model.AsksFor(m)).Select(m => "model." + m.Name)];
            if (otherwise.Length > 0)
                log.NeedsLoad(string.Join(", ", otherwise));
        }
    }

    public void Dispose() => engine.Dispose();

    public ValueTask DisposeAsync() => engine.DisposeAsync();

    private async Task LeaveAsync(string name)
    {
        try
        {
            while (supervisor.Wanted(name) is { Leaves: true } && !await TryUnloadAsync(name).ConfigureAwait(false))
                await Task.Delay(LeaveAgain, engine.Closing).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The daemon stops.
            return;
        }

        // It may have been named again while it went.
        lock (_gate)
        {
            if (_configured.Named.Contains(name, StringComparer.Ordinal) && Find(name) is { } model)
                supervisor.Want(model);
        }
    }

    private async Task<bool> TryUnloadAsync(string name)
    {
        try
        {
            if (engine.Models.FirstOrDefault(m => m.Name == name) is { } model)
                await engine.UnloadAsync(model.Handle, engine.Closing).ConfigureAwait(false);
            await supervisor.Unloaded(name).ConfigureAwait(false);
            log.ModelLeft(name);
            return true;
        }
        catch (VaiException)
        {
            // It has sessions, or there is no engine at the moment.
            return false;
        }
    }

    private ModelOptions? Find(string name) => Configured.FirstOrDefault(m => m.Name == name);

    private VaiUsageException Unknown(string name) => new(
        VaiError.UnknownModel,
        $"There is no model '{name}'. Known: {(Configured.Count == 0 ? "none" : string.Join(", ", Configured.Select(m => m.Name)))}.");
}
