using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VAI.Diagnostics;
using VAI.OptionRules;
using VAI.Remote.Wire;

namespace VAI.Remote;

/// <summary>
/// An <see cref="IVai"/> that a daemon answers. Its models are a snapshot: taken with the first use, and again after each load and
/// unload of its own, by <see cref="RefreshAsync"/>, and once when a name is selected that is not in it.
/// </summary>
internal sealed class RemoteVai : IVai
{
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    private readonly ModelOptions[] _configured;
    private readonly Dictionary<string, (ModelOptions Model, string? Instance)> _loaded = new(StringComparer.Ordinal);
    private readonly RemoteModels _models = new();
    private readonly RemoteLease _lease;
    private readonly CancellationTokenSource _closing = new();
    private readonly ILogger _log;
    private int _disposed;

    public RemoteVai(IEndpoint endpoint, ILoggerFactory? log = null, IReadOnlyList<ModelOptions>? models = null)
    {
        _configured = [.. (models ?? []).Select(m => m with { })];
        _log = (log ?? NullLoggerFactory.Instance).CreateLogger("VAI.Remote");
        Link = new RemoteLink(endpoint) { Reload = ReloadAsync };
        Closing = _closing.Token;
        _lease = new RemoteLease(Link, ClientId, Closing);
    }

    public IReadOnlyList<IModelContext> Models
    {
        get
        {
            if (Volatile.Read(ref _disposed) != 0)
                return [];
            if (!_models.Fetched)
                RefreshAsync(CancellationToken.None).GetAwaiter().GetResult();
            return _models.All;
        }
    }

    internal RemoteLink Link { get; }

    /// <summary>What the daemon knows this client by.</summary>
    internal string ClientId { get; } = Guid.NewGuid().ToString("N");

    internal CancellationToken Closing { get; }

    public async ValueTask<ModelHandle> LoadAsync(
        string name, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return Configured(name) is { } model
            ? await LoadAsync(model, progress, cancellationToken).ConfigureAwait(false)
            : await LoadAsync(name, new WireModelRequest(name, null), progress, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<ModelHandle> LoadAsync(
        ModelOptions model, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        model = Absolute(model);
        ModelHandle handle = await LoadAsync(model.Name, new WireModelRequest(null, model), progress, cancellationToken).ConfigureAwait(false);
        lock (_loaded)
            _loaded[model.Name] = (model, Link.Instance);
        return handle;
    }

    public async ValueTask<MemoryPlan> PlanAsync(ModelOptions model, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        return await PlanAsync(new WireModelRequest(null, Absolute(model)), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<MemoryPlan> PlanAsync(string model, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        WireModelRequest request = Configured(model) is { } configured
            ? new WireModelRequest(null, Absolute(configured))
            : new WireModelRequest(Absolute(model), null);
        return await PlanAsync(request, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<ComputeDevice>> DevicesAsync(CancellationToken cancellationToken = default) =>
        await WhileOpenAsync(token => Link.GetAsync("vai/devices", WireJson.Default.IReadOnlyListComputeDevice, token), cancellationToken).ConfigureAwait(false);

    public async ValueTask UnloadAsync(ModelHandle handle, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        var model = (RemoteModel)Select(handle);
        if (model.OpenSessions > 0)
        {
            throw new VaiUsageException(
                VaiError.ModelInUse, $"'{model.Name}' has {model.OpenSessions} open sessions and cannot be unloaded. Close them first.");
        }

        bool again = false;
        await WhileOpenAsync(token => Link.RepeatAsync(
            null,
            async () =>
            {
                try
                {
                    HttpRequestMessage Request() => RemoteLink.Post("vai/models/unload", new WireUnload(model.Name), WireJson.Default.WireUnload);
                    return await Link.AskAsync<object>(Request, null, token).ConfigureAwait(false);
                }
                catch (VaiUsageException e) when (again && e.Code is VaiError.UnknownModel or VaiError.ModelNotLoaded)
                {
                    // What broke was the answer.
                    return model;
                }
                finally
                {
                    again = true;
                }
            },
            token), cancellationToken).ConfigureAwait(false);
        lock (_loaded)
            _loaded.Remove(model.Name);
        _models.Remove(model);
        _log.ModelUnloaded(model.Name);
        await RefreshAsync(cancellationToken).ConfigureAwait(false);
    }

    public IModelContext Select(ModelHandle handle)
    {
        ThrowIfDisposed();
        return _models.Find(handle) ?? throw new VaiUsageException(
            VaiError.ModelNotLoaded, "The handle's model is not loaded any more. Load it again and use the new handle.");
    }

    public IModelContext Select(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        ThrowIfDisposed();
        return _models.Find(name) ?? SelectAsync(name, CancellationToken.None).AsTask().GetAwaiter().GetResult();
    }

    /// <summary>As <see cref="Select(string)"/>, without holding a thread while the daemon is asked.</summary>
    public async ValueTask<IModelContext> SelectAsync(string name, CancellationToken cancellationToken)
    {
        if (_models.Find(name) is { } model)
            return model;
        await RefreshAsync(cancellationToken).ConfigureAwait(false);
        return _models.Find(name) ?? throw (Configured(name) is not null
            ? new VaiUsageException(
                VaiError.ModelNotLoaded, $"'{name}' is configured but the daemon has not loaded it. Load it first.")
            : new VaiUsageException(
                VaiError.UnknownModel,
                $"The daemon has no model '{name}' loaded. Loaded: "
                + $"{(_models.All.Count == 0 ? "none" : string.Join(", ", _models.All.Select(m => m.Name)))}."));
    }

    /// <summary>Asks the daemon for its models.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken) => _models.Set(
        this,
        await WhileOpenAsync(token => Link.GetAsync("vai/models", WireJson.Default.IReadOnlyListWireModel, token), cancellationToken).ConfigureAwait(false));

    /// <summary>What the daemon is doing.</summary>
    public Task<WireStatus> StatusAsync(CancellationToken cancellationToken) =>
        Link.GetAsync("vai/status", WireJson.Default.WireStatus, cancellationToken);

    /// <summary>The daemon's sessions, of all clients.</summary>
    public Task<IReadOnlyList<WireSessionInfo>> SessionsAsync(CancellationToken cancellationToken) =>
        Link.GetAsync("vai/sessions", WireJson.Default.IReadOnlyListWireSessionInfo, cancellationToken);

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <summary>Closes this client's sessions. The daemon's models stay.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await _closing.CancelAsync().ConfigureAwait(false);
        await _lease.DisposeAsync(Farewell).ConfigureAwait(false);
        Link.Dispose();
        _closing.Dispose();
    }

    /// <summary>A session is about to be opened at the daemon.</summary>
    internal void Attach() => _lease.Hold();

    /// <summary>Has what is asked end with this client: then its caller sees that this is why.</summary>
    internal async Task<T> WhileOpenAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        ThrowIfDisposed();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Closing);
        try
        {
            return await ask(either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (either.IsCancellationRequested && (e is OperationCanceledException || RemoteLink.IsBreak(e)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new ObjectDisposedException(typeof(IVai).FullName, "The client was disposed meanwhile.");
        }
    }

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed != 0, typeof(IVai));

    private async Task<ModelHandle> LoadAsync(
        string name, WireModelRequest request, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        WireModel model;
        try
        {
            model = await WhileOpenAsync(
                token => Link.RepeatAsync(null, () => LoadOnceAsync(name, request, progress, token), token), cancellationToken).ConfigureAwait(false);
        }
        catch (ProgressException e)
        {
            e.Thrown.Throw();
            throw;
        }

        await RefreshAsync(cancellationToken).ConfigureAwait(false);
        return _models.Find(model.Name)?.Handle ?? throw new VaiUsageException(
            VaiError.ModelNotLoaded, $"'{name}' was loaded, but somebody has unloaded it again. Load it once more.");
    }

    private async Task<WireModel> LoadOnceAsync(
        string name, WireModelRequest request, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        RemoteEvents<WireLoadEvent> events = await Link.StreamAsync(
            RemoteLink.Post("vai/models/load", request, WireJson.Default.WireModelRequest), WireJson.Default.WireLoadEvent, cancellationToken)
            .ConfigureAwait(false);
        await using (events.ConfigureAwait(false))
        {
            while (await events.MoveNextAsync().ConfigureAwait(false))
            {
                WireLoadEvent e = events.Current;
                if (e.Error is { } error)
                    throw WireErrors.IsInterruption(error) ? new InterruptedException(error.Message) : WireErrors.ToException(error);
                if (e.Model is { } model)
                    return model;

                // Events may have come together: of a load that was given up nothing more is told.
                cancellationToken.ThrowIfCancellationRequested();
                if (Enum.TryParse(e.Phase, out LoadPhase phase))
                    Report(progress, new LoadProgress(name, phase, e.Fraction));
            }
        }

        throw new InterruptedException("The load's progress ended before its end.");
    }

    // What foreign code throws is no broken connection, whatever it is: the load is not asked for again.
    private static void Report(IProgress<LoadProgress>? progress, LoadProgress report)
    {
        try
        {
            progress?.Report(report);
        }
        catch (Exception e) when (RemoteLink.IsBreak(e))
        {
            throw new ProgressException(ExceptionDispatchInfo.Capture(e));
        }
    }

    private Task<MemoryPlan> PlanAsync(WireModelRequest request, CancellationToken cancellationToken) => WhileOpenAsync(
        token => Link.PostAsync("vai/models/plan", null, request, WireJson.Default.WireModelRequest, WireJson.Default.MemoryPlan, token), cancellationToken);

    // Another daemon may be there now, and have loaded only what it was configured with. If it is the same one, somebody has unloaded it.
    private async ValueTask<bool> ReloadAsync(string name, CancellationToken cancellationToken)
    {
        (ModelOptions Model, string? Instance) loaded;
        lock (_loaded)
        {
            if (!_loaded.TryGetValue(name, out loaded) || loaded.Instance == Link.Instance)
                return false;
        }

        await LoadOnceAsync(name, new WireModelRequest(null, loaded.Model), null, cancellationToken).ConfigureAwait(false);
        lock (_loaded)
            _loaded[name] = (loaded.Model, Link.Instance);
        return true;
    }

    private ModelOptions? Configured(string name) => Array.Find(_configured, m => m.Name == name);

    // The daemon's working directory is another one.
    private static ModelOptions Absolute(ModelOptions model)
    {
        OptionCheck.Options(model);
        return model with { File = Absolute(model.File) };
    }

    private static string Absolute(string file) => File.Exists(file) || file.Contains('/') ? Path.GetFullPath(file) : file;

    private sealed class ProgressException(ExceptionDispatchInfo thrown) : Exception
    {
        public ExceptionDispatchInfo Thrown => thrown;
    }
}
