using VAI.Daemon.Supervision.Link;
using VAI.OptionRules;
using VAI.Remote.Wire;

namespace VAI.Daemon.Supervision.Proxy;

/// <summary>
/// An <see cref="IVai"/> that the engine process answers, whichever that is at the moment. What was asked of one that ended is asked of the
/// next; a transaction goes on there behind the tokens that were handed over.
/// </summary>
internal sealed class EngineVai : IVai
{
    private readonly IEngines _engines;
    private readonly EngineModels _models = new();
    private readonly CancellationTokenSource _closing = new();
    private int _disposed;

    public EngineVai(IEngines engines)
    {
        _engines = engines;
        Closing = _closing.Token;
        engines.ModelChanged = (name, data) =>
        {
            if (data is null)
                _models.Remove(name);
            else
                _models.Put(this, data);
        };
    }

    public IReadOnlyList<IModelContext> Models
    {
        get
        {
            ThrowIfDisposed();
            return _models.All;
        }
    }

    internal IEngines Engines => _engines;

    internal CancellationToken Closing { get; }

    public ValueTask<ModelHandle> LoadAsync(
        string name, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ThrowIfDisposed();
        return new ValueTask<ModelHandle>((_models.Find(name) ?? throw Unknown(name)).Handle);
    }

    public async ValueTask<ModelHandle> LoadAsync(
        ModelOptions model, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ThrowIfDisposed();
        model = Absolute(model);
        IProgress<WireLoadEvent>? told = progress is null ? null : new Told(model.Name, progress);
        WireModel data = await AskAsync(
            new Request(model.Name, isLoad: true),
            (link, request, token) => LoadAsync(link, model, told, request, token),
            cancellationToken).ConfigureAwait(false);
        return _models.Put(this, data).Handle;
    }

    public async ValueTask<MemoryPlan> PlanAsync(ModelOptions model, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        return await PlanAsync(new WireModelRequest(null, Absolute(model)), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<MemoryPlan> PlanAsync(string model, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        return await PlanAsync(new WireModelRequest(Absolute(model), null), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<ComputeDevice>> DevicesAsync(CancellationToken cancellationToken = default) => await AskAsync(
        new Request(null),
        (link, r, token) => link.CallAsync(
            new CallHead(LinkMethod.Devices, 0, 0), 0, WireJson.Default.Int32, WireJson.Default.IReadOnlyListComputeDevice, token, r),
        cancellationToken).ConfigureAwait(false);

    public async ValueTask UnloadAsync(ModelHandle handle, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        EngineModel model = _models.Find(handle) ?? throw Gone();
        if (model.OpenSessions > 0)
        {
            throw new VaiUsageException(
                VaiError.ModelInUse, $"'{model.Name}' has {model.OpenSessions} open sessions and cannot be unloaded. Dispose them first.");
        }

        await AskAsync(
            new Request(null),
            async (link, request, token) =>
            {
                try
                {
                    return await link.CallAsync(
                        new CallHead(LinkMethod.Unload, 0, 0), new WireUnload(model.Name), WireJson.Default.WireUnload, token, request).ConfigureAwait(false);
                }
                catch (VaiUsageException e) when (e.Code is VaiError.UnknownModel or VaiError.ModelNotLoaded)
                {
                    // What was lost was the answer, or this engine could not load it.
                    return [];
                }
            },
            cancellationToken).ConfigureAwait(false);
        _models.Remove(model.Name);
    }

    public IModelContext Select(ModelHandle handle)
    {
        ThrowIfDisposed();
        return _models.Find(handle) ?? throw Gone();
    }

    public IModelContext Select(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        ThrowIfDisposed();
        return _models.Find(name) ?? throw Unknown(name);
    }

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await _closing.CancelAsync().ConfigureAwait(false);
        _closing.Dispose();
    }

    /// <summary>Loads a model at one engine.</summary>
    internal static Task<WireModel> LoadAsync(
        EngineLink link, ModelOptions model, IProgress<WireLoadEvent>? progress, Request? request, CancellationToken cancellationToken) =>
        link.CallAsync(
            new CallHead(LinkMethod.Load, 0, 0), new WireModelRequest(null, model), WireJson.Default.WireModelRequest, WireJson.Default.WireModel,
            cancellationToken, request, progress, [model.Name]);

    /// <summary>Asks the engine, and the next one if it ends.</summary>
    internal async Task<T> AskAsync<T>(Request request, Func<EngineLink, Request, CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        ThrowIfDisposed();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Closing);
        try
        {
            while (true)
            {
                EngineStay stay = await _engines.EnterAsync(request, either.Token).ConfigureAwait(false);
                await using (stay.ConfigureAwait(false))
                {
                    try
                    {
                        return await ask(stay.Link, request, either.Token).ConfigureAwait(false);
                    }
                    catch (LinkEndedException)
                    {
                        // The next one is asked; that this one ended is the supervisor's to judge.
                        request.IsBegun = true;
                    }
                }
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && Closing.IsCancellationRequested)
        {
            throw new ObjectDisposedException(typeof(IVai).FullName, "The daemon is stopping.");
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
    }

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, typeof(IVai));

    private Task<MemoryPlan> PlanAsync(WireModelRequest request, CancellationToken cancellationToken) => AskAsync(
        new Request(null),
        (link, r, token) => link.CallAsync(
            new CallHead(LinkMethod.Plan, 0, 0), request, WireJson.Default.WireModelRequest, WireJson.Default.MemoryPlan, token, r),
        cancellationToken);

    private VaiUsageException Unknown(string name) => new(
        VaiError.UnknownModel,
        $"There is no model '{name}' loaded. Loaded: {(_models.All.Count == 0 ? "none" : string.Join(", ", _models.All.Select(m => m.Name)))}.");

    private static VaiUsageException Gone() =>
        new(VaiError.ModelNotLoaded, "The handle's model is not loaded any more. Load it again and use the new handle.");

    private static ModelOptions Absolute(ModelOptions model)
    {
        OptionCheck.Options(model);
        return model with { File = Absolute(model.File) };
    }

    private static string Absolute(string file) => File.Exists(file) || file.Contains('/') ? Path.GetFullPath(file) : file;

    private sealed class Told(string name, IProgress<LoadProgress> progress) : IProgress<WireLoadEvent>
    {
        public void Report(WireLoadEvent value)
        {
            if (Enum.TryParse(value.Phase, out LoadPhase phase))
                progress.Report(new LoadProgress(name, phase, value.Fraction));
        }
    }
}
