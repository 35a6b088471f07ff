using VAI.OptionRules;
using Microsoft.Extensions.Logging;
using VAI.Diagnostics;
using VAI.Native.Abi;
using VAI.Native.Llama;
using VAI.Pipeline;
using VAI.Sessions;
using VAI.Sram;

namespace VAI.Residency;

/// <summary>The in-process engine: residency, the pipeline and its thread pool.</summary>
internal sealed class VaiEngine : IVai, IPreparable
{
    // At least so long, and at most twice as long, a dead process's sessions can be taken up.
    private static readonly TimeSpan LeftFor = TimeSpan.FromMinutes(5);

    private readonly ModelOptions[] _configured;
    private readonly ILogger _log;
    private readonly NativeLogBridge _nativeLog;
    private readonly LlamaThreadpool _pool;
    private readonly PipelineThread _pipeline;
    private readonly RomLoader _roms;
    private readonly ModelLoader _loader;
    private readonly Planner _planner;
    private readonly KvStashDirectory? _stash;
    private readonly Timer? _sweep;
    private readonly ResidentSet _residency = new();

    // One load or unload at a time: they compete for the same disk and memory anyway.
    private readonly SemaphoreSlim _moving = new(1, 1);
    private readonly TaskCompletionSource _disposal = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _disposed;

    /// <param name="options">Checked options.</param>
    /// <param name="loggerFactory">Where to log to.</param>
    public VaiEngine(VaiOptions options, ILoggerFactory loggerFactory)
    {
        int threads = options.Threads ?? Math.Min(Cores.Physical, LlamaThreadpool.MaxThreads);
        _configured = [.. options.Models.Select(m => m with { })];
        _log = loggerFactory.CreateLogger("VAI.Engine");
        _nativeLog = new NativeLogBridge(loggerFactory.CreateLogger("VAI.Native"));
        try
        {
            LoadedLlama library = NativeLoader.EnsureLoaded(options.NativeDirectory);
            _log.NativeLoaded(library.Version, library.Directory, library.CpuKernels ?? "built in", library.Abi.Name);
            _pool = new LlamaThreadpool(threads);
        }
        catch
        {
            _nativeLog.Dispose();
            throw;
        }

        _pipeline = new PipelineThread(threads >= Environment.ProcessorCount ? _pool.Rest : null);
        var lot = new ParkingLot(options.ParkLimit);
        _stash = options.StashDirectory is { } directory ? new KvStashDirectory(directory, lot) : null;
        _sweep = _stash is null ? null : new Timer(static e => _ = ((VaiEngine)e!).SweepAsync(), this, LeftFor, LeftFor);
        _roms = new RomLoader(options.RomDirectory, options.RomWait, _log);
        _loader = new ModelLoader(_pipeline, _pool, _roms, lot, _stash);
        _planner = new Planner(options.RomDirectory, threads);
    }

    public IReadOnlyList<IModelContext> Models => _residency.Models;

    public ValueTask<ModelHandle> LoadAsync(
        string name, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ModelOptions? model = Array.Find(_configured, m => m.Name == name);
        if (model is null && _residency.Find(name) is { } resident)
            return new ValueTask<ModelHandle>(resident.Handle);
        return LoadAsync(model ?? throw Unknown(name), progress, cancellationToken);
    }

    public async ValueTask<ModelHandle> LoadAsync(
        ModelOptions model, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ObjectDisposedException.ThrowIf(_disposed != 0, typeof(IVai));
        model = model with { };
        OptionCheck.Options(model);
        await _moving.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, typeof(IVai));
            if (_residency.Find(model.Name) is { } resident)
            {
                if (Path.GetFullPath(resident.Options.File) == Path.GetFullPath(model.File))
                    return resident.Handle;
                throw new VaiUsageException(
                    VaiError.ModelAlreadyLoaded,
                    $"'{model.Name}' is loaded from '{resident.Options.File}'. Unload it first, or load '{model.File}' under another name.");
            }

            ModelContext loaded = await Task.Run(
                () => _loader.Load(model, progress, cancellationToken), cancellationToken).ConfigureAwait(false);
            await AddAsync(loaded).ConfigureAwait(false);
            return loaded.Handle;
        }
        finally
        {
            _moving.Release();
        }
    }

    public async ValueTask PrepareAsync(IReadOnlyList<ModelOptions> models, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, typeof(IVai));
        foreach (ModelOptions model in models)
            OptionCheck.Options(model);
        await _moving.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, typeof(IVai));
            ModelOptions[] missing = [.. models.Where(m => _residency.Find(m.Name) is null)];
            await Task.Run(() => _loader.Prepare(missing, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _moving.Release();
        }
    }

    public async ValueTask LoadPreparedAsync(CancellationToken cancellationToken)
    {
        await _moving.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, typeof(IVai));

            // All that is left of a load is to clear its SRAM, which one core does not do as fast as memory can be had.
            await Task.WhenAll(_loader.Prepared.Where(m => _residency.Find(m.Name) is null).Select(LoadPreparedAsync)).ConfigureAwait(false);
        }
        finally
        {
            _moving.Release();
        }

        async Task LoadPreparedAsync(ModelOptions model)
        {
            try
            {
                await AddAsync(await Task.Run(() => _loader.Load(model, null, cancellationToken), cancellationToken).ConfigureAwait(false))
                    .ConfigureAwait(false);
            }
            catch (VaiException)
            {
                // Its own load says why.
            }
        }
    }

    public async ValueTask<MemoryPlan> PlanAsync(ModelOptions model, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ObjectDisposedException.ThrowIf(_disposed != 0, typeof(IVai));
        model = model with { };
        OptionCheck.Options(model);
        return await Task.Run(() => _planner.Plan(model, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<MemoryPlan> PlanAsync(string model, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        return PlanAsync(
            Array.Find(_configured, m => m.Name == model) ?? new ModelOptions { Name = "the model to plan", File = model }, cancellationToken);
    }

    public async ValueTask UnloadAsync(ModelHandle handle, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, typeof(IVai));
        await _moving.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ModelContext model = _residency.Find(handle) ?? throw Gone();
            if (!model.TryClose())
            {
                throw new VaiUsageException(
                    VaiError.ModelInUse,
                    $"'{model.Name}' has {model.OpenSessions} open sessions and cannot be unloaded. Dispose them first.");
            }

            await RemoveAsync(model).ConfigureAwait(false);
        }
        finally
        {
            _moving.Release();
        }
    }

    public IModelContext Select(ModelHandle handle) => _residency.Find(handle) ?? throw Gone();

    public IModelContext Select(string name) => _residency.Find(name) ?? throw NotLoaded(name);

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            await _disposal.Task.ConfigureAwait(false);
            return;
        }

        await _moving.WaitAsync().ConfigureAwait(false);
        foreach (ModelContext model in _residency.Models.Cast<ModelContext>().ToArray())
        {
            await model.CloseAsync().ConfigureAwait(false);
            await RemoveAsync(model).ConfigureAwait(false);
        }

        _sweep?.Dispose();
        _pipeline.Dispose();
        _pool.Dispose();
        _stash?.Dispose();
        _loader.Dispose();
        _roms.Dispose();
        _nativeLog.Dispose();
        _moving.Release();
        _disposal.SetResult();
    }

    // What a process has left that died, and nobody has asked for, takes memory that the living could use.
    private async Task SweepAsync()
    {
        while (await _pipeline.InvokeAsync(_stash!.Sweep).ConfigureAwait(false))
        {
        }
    }

    private async Task AddAsync(ModelContext loaded)
    {
        await loaded.StartAsync().ConfigureAwait(false);
        _residency.Add(loaded);
        Telemetry.Loaded(loaded);
        _log.ModelLoaded(loaded.Name, loaded.Options.File, loaded.LoadTime.TotalMilliseconds);
    }

    private async Task RemoveAsync(ModelContext model)
    {
        _residency.Remove(model);
        Telemetry.Unloaded(model);
        await model.StopAsync().ConfigureAwait(false);

        // Freeing gigabytes takes a while; the caller's thread is not ours to hold.
        await Task.Run(model.Dispose).ConfigureAwait(false);
        _log.ModelUnloaded(model.Name);
    }

    private static VaiUsageException Gone() =>
        new(VaiError.ModelNotLoaded, "The handle's model is not loaded any more. Load it again and use the new handle.");

    private VaiUsageException NotLoaded(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Array.Exists(_configured, m => m.Name == name)
            ? new VaiUsageException(VaiError.ModelNotLoaded, $"'{name}' is configured but not loaded. Call LoadAsync(\"{name}\") first.")
            : Unknown(name);
    }

    private VaiUsageException Unknown(string name) => new(
        VaiError.UnknownModel,
        $"There is no model '{name}'. Known: {(_configured.Length == 0 ? "none" : string.Join(", ", _configured.Select(m => m.Name)))}.");
}
