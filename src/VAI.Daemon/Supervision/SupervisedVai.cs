using VAI.Daemon.Supervision.Proxy;

namespace VAI.Daemon.Supervision;

/// <summary>
/// The daemon's models: the engine's, with the names that are configured here, and remembered so that the next engine loads them too.
/// </summary>
internal sealed class SupervisedVai(EngineVai engine, Supervisor supervisor, IReadOnlyList<ModelOptions> configured) : IVai
{
    /// <summary>The models that can be loaded by name.</summary>
    public IReadOnlyList<ModelOptions> Configured => configured;

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

    public async ValueTask UnloadAsync(ModelHandle handle, CancellationToken cancellationToken = default)
    {
        string name = engine.Select(handle).Name;
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
        if (engine.Models.FirstOrDefault(m => m.Name == name) is { } model)
            return model;
        if (supervisor.FailureOf(name) is { } failure)
            throw new VaiUsageException(VaiError.ModelNotLoaded, $"'{name}' could not be loaded again ({failure}). That is tried again: ask again later.");
        throw Find(name) is null
            ? Unknown(name)
            : new VaiUsageException(VaiError.ModelNotLoaded, $"'{name}' is configured but not loaded. Load it first ('vai load {name}').");
    }

    public void Dispose() => engine.Dispose();

    public ValueTask DisposeAsync() => engine.DisposeAsync();

    private ModelOptions? Find(string name) => configured.FirstOrDefault(m => m.Name == name);

    private VaiUsageException Unknown(string name) => new(
        VaiError.UnknownModel,
        $"There is no model '{name}'. Known: {(configured.Count == 0 ? "none" : string.Join(", ", configured.Select(m => m.Name)))}.");
}
