using Microsoft.Extensions.Logging;
using VAI.Diagnostics;
using VAI.Native.Abi;
using VAI.Native.Llama;
using VAI.Native.Machine;
using VAI.OptionRules;
using VAI.Pipeline;
using VAI.Pipeline.Compute;
using VAI.Residency.Devices;
using VAI.Sessions;
using VAI.Sram;

namespace VAI.Residency;

/// <summary>The in-process engine: residency, the pipeline and its thread pool.</summary>
internal sealed partial class VaiEngine : IVai, IPreparable
{
    // At least so long, and at most twice as long, a dead process's sessions can be taken up.
    private static readonly TimeSpan LeftFor = TimeSpan.FromMinutes(5);

    private readonly ModelOptions[] _configured;
    private readonly ILogger _log;
    private readonly NativeLogBridge _nativeLog;
    private readonly LlamaThreadpool _pool;
    private readonly ComputeThreads _compute;
    private readonly PipelineThread _pipeline;
    private readonly RomLoader _roms;
    private readonly ModelLoader _loader;
    private readonly Planner _planner;
    private readonly DeviceLedger _devices;
    private readonly KvStashDirectory? _stash;
    private readonly Timer? _sweep;
    private readonly ResidentSet _residency = new();

    // One load or unload at a time: they compete for the same disk and memory anyway.
    private readonly SemaphoreSlim _moving = new(1, 1);

    // Ends with the engine's life; everything that takes long is linked to it.
    private readonly CancellationTokenSource _life = new();
    private readonly TaskCompletionSource _disposal = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _disposed;

    /// <param name="options">Checked options.</param>
    /// <param name="loggerFactory">Where to log to.</param>
    public VaiEngine(VaiOptions options, ILoggerFactory loggerFactory)
    {
        int threads = options.Threads ?? Math.Min(Cores.Physical, LlamaThreadpool.MaxThreads);
        _configured = [.. options.Models.Select(m => m with { })];
        _log = new EngineLogger(loggerFactory.CreateLogger("VAI.Engine"), this);
        _nativeLog = new NativeLogBridge(new EngineLogger(loggerFactory.CreateLogger("VAI.Native"), this));
        try
        {
            LoadedLlama library = NativeLoader.EnsureLoaded(options.NativeDirectory);
            _log.NativeLoaded(library);
            _pool = new LlamaThreadpool(threads);
            _compute = new ComputeThreads(_pool, options.FixedThreads, new Standing(options.Nice, options.BatchScheduling));
            var lot = new ParkingLot(options.ParkLimit);
            _stash = options.StashDirectory is { } directory ? new KvStashDirectory(directory, lot) : null;
            _roms = new RomLoader(options.RomDirectory, options.RomWait, _log);
            _devices = new DeviceLedger(options.VramLimit);
            _planner = new Planner(options.RomDirectory, threads, _devices);
            _pipeline = new PipelineThread(_compute, this, options.Progress);
            _loader = new ModelLoader(_pipeline, _pool, _roms, _planner, _devices, lot, _stash, options.Share, options.Progress);
        }
        catch
        {
            _stash?.Dispose();
            _compute?.Dispose();
            _pool?.Dispose();
            _nativeLog.Dispose();
            throw;
        }

        _sweep = _stash is null ? null : new Timer(static e => _ = ((VaiEngine)e!).SweepAsync(), this, LeftFor, LeftFor);
        Faults.LogTo(_log);
    }

    public IReadOnlyList<IModelContext> Models => _residency.Models;

    public ValueTask<ModelHandle> LoadAsync(
        string name, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ThrowIfDisposed();
        ModelOptions? model = Array.Find(_configured, m => m.Name == name);
        if (model is null && _residency.Find(name) is { } resident)
            return new ValueTask<ModelHandle>(resident.Handle);
        return LoadAsync(model ?? throw Unknown(name), progress, cancellationToken);
    }

    public async ValueTask<ModelHandle> LoadAsync(
        ModelOptions model, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ThrowIfDisposed();
        model = model with { };
        OptionCheck.Options(model);
        return await MoveAsync(
            async token =>
            {
                if (_residency.Find(model.Name) is { } resident)
                {
                    if (Path.GetFullPath(resident.Options.File) == Path.GetFullPath(model.File))
                        return resident.Handle;
                    throw new VaiUsageException(
                        VaiError.ModelAlreadyLoaded,
                        $"'{model.Name}' is loaded from '{resident.Options.File}'. Unload it first, or load '{model.File}' under another name.");
                }

                ModelContext loaded = await WorkAsync(() => _loader.Load(model, progress, token), token).ConfigureAwait(false);
                await AddAsync(loaded).ConfigureAwait(false);
                return loaded.Handle;
            },
            cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask PrepareAsync(IReadOnlyList<ModelOptions> models, CancellationToken cancellationToken)
    {
        CheckAll(models);
        await MoveAsync(
            token =>
            {
                ModelOptions[] missing = [.. models.Where(m => _residency.Find(m.Name) is null)];
                return WorkAsync(
                    () =>
                    {
                        _loader.Prepare(missing, token);
                        return true;
                    },
                    token);
            },
            cancellationToken).ConfigureAwait(false);
    }

    // What a load does, reading a vocabulary and clearing SRAM, one core does not do as fast as memory can be had.
    public async ValueTask LoadReadyAsync(IReadOnlyList<ModelOptions> models, CancellationToken cancellationToken)
    {
        CheckAll(models);
        await MoveAsync(
            async token =>
            {
                await Parallel.ForEachAsync(
                    models.Where(m => _residency.Find(m.Name) is null),
                    token,
                    async (model, either) => await LoadReadyAsync(model, either).ConfigureAwait(false)).ConfigureAwait(false);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<MemoryPlan> PlanAsync(ModelOptions model, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ThrowIfDisposed();
        model = model with { };
        OptionCheck.Options(model);
        return await WhileAliveAsync(
            token => WorkAsync(() => _planner.Plan(model, token), token), cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<MemoryPlan> PlanAsync(string model, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        return PlanAsync(
            Array.Find(_configured, m => m.Name == model) ?? new ModelOptions { Name = "the model to plan", File = model }, cancellationToken);
    }

    // A driver may take a while to say how much is free.
    public async ValueTask<IReadOnlyList<ComputeDevice>> DevicesAsync(CancellationToken cancellationToken = default) => await WhileAliveAsync(
        token => WorkAsync<IReadOnlyList<ComputeDevice>>(
            () => [.. NativeLoader.EnsureLoaded().Devices.Select(d => ComputeDevice.Of(d, _devices.Held(d.Name)))], token),
        cancellationToken).ConfigureAwait(false);

    public async ValueTask UnloadAsync(ModelHandle handle, CancellationToken cancellationToken = default) => await MoveAsync(
        async _ =>
        {
            ModelContext model = _residency.Find(handle) ?? throw Gone();
            if (!model.TryClose())
            {
                throw new VaiUsageException(
                    VaiError.ModelInUse,
                    $"'{model.Name}' has {model.OpenSessions} open sessions and cannot be unloaded. Close them first.");
            }

            await RemoveAsync(model).ConfigureAwait(false);
            return true;
        },
        cancellationToken).ConfigureAwait(false);

    public IModelContext Select(ModelHandle handle)
    {
        ThrowIfDisposed();
        return _residency.Find(handle) ?? throw Gone();
    }

    public IModelContext Select(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        ThrowIfDisposed();
        return _residency.Find(name) ?? throw NotLoaded(name);
    }

    /// <summary>One load, preparation or unload at a time.</summary>
    private Task<T> MoveAsync<T>(Func<CancellationToken, Task<T>> move, CancellationToken cancellationToken) => WhileAliveAsync(
        async token =>
        {
            await _moving.WaitAsync(token).ConfigureAwait(false);
            try
            {
                ThrowIfDisposed();
                return await move(token).ConfigureAwait(false);
            }
            finally
            {
                _moving.Release();
            }
        },
        cancellationToken);

    /// <summary>Has something end with the engine: then its caller sees that this is why.</summary>
    private async Task<T> WhileAliveAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        ThrowIfDisposed();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _life.Token);
        try
        {
            return await work(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new ObjectDisposedException(typeof(IVai).FullName, "The engine was disposed meanwhile.");
        }
    }

    /// <summary>
    /// Runs something long on a thread of its own, which the engine waits for at its end; what it calls may be foreign. Not on the pool's: it
    /// blocks, and two on a machine of two cores would leave the pool none.
    /// </summary>
    private Task<T> WorkAsync<T>(Func<T> work, CancellationToken cancellationToken) => Task.Factory.StartNew(
        () =>
        {
            using (EngineThread.Enter(this))
                return work();
        },
        cancellationToken,
        TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
        TaskScheduler.Default);

    private async Task LoadReadyAsync(ModelOptions model, CancellationToken cancellationToken)
    {
        try
        {
            if (await WorkAsync(() => _loader.LoadReady(model, cancellationToken), cancellationToken).ConfigureAwait(false) is { } loaded)
                await AddAsync(loaded).ConfigureAwait(false);
        }
        catch (VaiException)
        {
            // Its own load says why.
        }
    }

    // What a process has left that died, and nobody has asked for, takes memory that the living could use.
    private async Task SweepAsync()
    {
        try
        {
            while (await _pipeline.InvokeAsync(_stash!.Sweep).ConfigureAwait(false))
            {
            }
        }
        catch (Exception e)
        {
            // The timer's last call may come behind the engine's end; else the next one tries again.
            if (e is not ObjectDisposedException)
                Faults.Report("Clearing up copies that nobody took up", e);
        }
    }

    private async Task AddAsync(ModelContext loaded)
    {
        try
        {
            // The engine may have ended too late for the load to notice.
            ThrowIfDisposed();
            await loaded.StartAsync().ConfigureAwait(false);
        }
        catch
        {
            loaded.Dispose();
            throw;
        }

        _residency.Add(loaded);
        Telemetry.Loaded(loaded);
        _log.ModelLoaded(loaded.Name, loaded.Options.File, loaded.LoadTime.TotalMilliseconds);
        if (loaded is { WantedGpu: true, OnGpu: false })
            _log.NoGpu(loaded.Name);
        if (loaded.OnGpu && loaded.Options is { Devices: { } devices, GpuLayers: { } layers })
            _log.OnDevices(loaded.Name, layers < 0 ? loaded.Info.Layers + 1 : layers, string.Join(", ", devices));
    }

    private async Task RemoveAsync(ModelContext model)
    {
        _residency.Remove(model);
        Telemetry.Unloaded(model);
        try
        {
            await model.StopAsync().ConfigureAwait(false);
        }
        finally
        {
            // Freeing gigabytes takes a while; the caller's thread is not ours to hold.
            await Task.Run(model.Dispose).ConfigureAwait(false);
        }

        _log.ModelUnloaded(model.Name);
    }

    private void CheckAll(IReadOnlyList<ModelOptions> models)
    {
        ThrowIfDisposed();
        foreach (ModelOptions model in models)
            OptionCheck.Options(model);
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, typeof(IVai));

    private static VaiUsageException Gone() =>
        new(VaiError.ModelNotLoaded, "The handle's model is not loaded any more. Load it again and use the new handle.");

    private VaiUsageException NotLoaded(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        ThrowIfDisposed();
        return Array.Exists(_configured, m => m.Name == name)
            ? new VaiUsageException(VaiError.ModelNotLoaded, $"'{name}' is configured but not loaded. Load it first.")
            : Unknown(name);
    }

    private VaiUsageException Unknown(string name) => new(
        VaiError.UnknownModel,
        $"There is no model '{name}'. Known: {(_configured.Length == 0 ? "none" : string.Join(", ", _configured.Select(m => m.Name)))}.");
}
