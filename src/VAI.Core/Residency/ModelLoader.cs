using System.Diagnostics;
using VAI.Diagnostics;
using VAI.Native.Gguf;
using VAI.Native.Llama;
using VAI.Native.Memory;
using VAI.Native.Source;
using VAI.Pipeline;
using VAI.Pipeline.Steps;
using VAI.Residency.Devices;
using VAI.Sram;
using VAI.Text.Chat;

namespace VAI.Residency;

/// <summary>From options to a resident model: gate, weights, SRAM bank. Undoes what it did if a later part fails.</summary>
internal sealed class ModelLoader(
    PipelineThread pipeline, LlamaThreadpool pool, RomLoader roms, Planner planner, DeviceLedger devices, ParkingLot lot, KvStashDirectory? stash, int share,
    IEngineProgress? moves = null, MemoryClaims? claims = null) : IDisposable
{
    // Of the machine's memory, for the SRAM of models that may never be loaded here.
    private const int SramShare = 64;

    private readonly PreparedModels _prepared = new();
    private readonly MemoryClaims _claims = claims ?? new();
    private int _joined;

    /// <summary>
    /// Attaches models' weights ahead of their loads, where there are ROMs of them, and lets go of others that were. Those that are
    /// first have their SRAM, too, until it adds up to a part of the machine's memory: to clear it is what is left of a load.
    /// </summary>
    public void Prepare(IReadOnlyList<ModelOptions> models, CancellationToken cancellationToken)
    {
        _prepared.Keep(models, m => TryAttach(m, cancellationToken));
        long left = MemoryRoom.Read().Total / SramShare;
        foreach (PreparedModel model in _prepared.Models)
        {
            cancellationToken.ThrowIfCancellationRequested();
            moves?.Move();
            left -= TryGiveSram(model, left);
        }
    }

    /// <summary>Loads a model that is prepared or has a ROM; null for any other.</summary>
    public ModelContext? LoadReady(ModelOptions options, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        PreparedModel? ready = _prepared.Take(options);
        if (ready is null && TryAttach(options, cancellationToken) is { } weights)
            ready = new PreparedModel(options, weights);
        return ready is null ? null : Load(options, ready, start, null, cancellationToken);
    }

    public ModelContext Load(ModelOptions options, IProgress<LoadProgress>? progress, CancellationToken cancellationToken) =>
        Load(options, _prepared.Take(options), Stopwatch.GetTimestamp(), progress, cancellationToken);

    // Takes over what is prepared, whatever becomes of it.
    private ModelContext Load(
        ModelOptions given, PreparedModel? prepared, long start, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        void Report(LoadPhase phase, double fraction)
        {
            moves?.Move();
            progress?.Report(new LoadProgress(given.Name, phase, fraction));
        }

        // A GPU's kernels are compiled by their first use, for as long as that takes, and nobody waits for a load's turn.
        void Warm(LlamaContext made, int longest)
        {
            foreach (int rows in (int[])[Math.Min(Math.Min(made.Settings.BatchSize, made.Settings.Cells), longest), 1])
            {
                cancellationToken.ThrowIfCancellationRequested();
                FirstStep(made, rows);
                moves?.Move();
            }
        }

        Weights? weights = prepared?.Weights;
        LlamaContext? context = prepared?.Context;
        EncoderCores? texts = null;
        IDisposable? claim = null, resident = null;
        DeviceClaim? onDevices = null;
        try
        {
            Report(LoadPhase.Checking, 0);
            cancellationToken.ThrowIfCancellationRequested();
            LlamaModelSettings settings = planner.Place(given, cancellationToken);
            ModelOptions options = DeviceChoice.Resolve(given, settings);
            onDevices = ClaimDevices(options, settings, cancellationToken);
            weights ??= options.Profile == RomProfile.None
                ? FromFile(options, settings, Report, cancellationToken)
                : roms.Load(options, settings, source => MemoryCheck.Burn(options, source, settings, pool.Threads, roms.TakesMemory(source)), Report, cancellationToken);
            ModelOptions resolved = Resolve(options, weights.Info);
            Report(LoadPhase.Sram, 0);
            LlamaContextSettings geometry = Geometry.Of(resolved, weights.Info, pool.Threads);
            if (context is not null && context.Settings != geometry)
            {
                context.Dispose();
                context = null;
            }

            if (context is null)
                claim = _claims.Claim(claimed => MemoryCheck.Sram(resolved, weights, settings, pool.Threads, claimed));
            context ??= NewContext(weights, geometry, settings.UsesGpu ? made => Warm(made, resolved.ContextLength!.Value) : null);
            int contexts = Footprint.ContextsOfTexts(resolved, context, weights.Info.IsEmbedding);
            if (Geometry.IsApart(resolved, weights.Info))
                texts = NewCores(weights, context, contexts);
            cancellationToken.ThrowIfCancellationRequested();
            ModelMemory? memory = Footprint.Measured(resolved, context, 1 + contexts, weights.Hold?.File.Header.ImageBytes ?? 0);
            onDevices?.Settle(memory);
            resident = memory is null ? null : _claims.Resident(Planner.HostBytes(memory) + MemoryRoom.VocabularyBytes(weights.Info.VocabularySize));
            var loaded = new ModelContext(resolved, weights, context, pipeline, lot, stash, texts)
            {
                OnGpu = settings.UsesGpu,
                WantedGpu = given.WantsGpu,
                Memory = memory,
                Claims = [resident, onDevices],
                LoadTime = Stopwatch.GetElapsedTime(start),
            };
            roms.Note(loaded);
            if (weights.Hold is not null)
                Join();
            Report(LoadPhase.Done, 1);
            return loaded;
        }
        catch
        {
            // The last report is foreign code too.
            texts?.Dispose();
            context?.Dispose();
            weights?.Dispose();
            resident?.Dispose();
            onDevices?.Dispose();
            throw;
        }
        finally
        {
            claim?.Dispose();
        }
    }

    public void Dispose() => _prepared.Dispose();

    // Before the model's first step, since that is its thread's, too.
    private void Join()
    {
        if (Interlocked.Exchange(ref _joined, 1) != 0 || roms.Join() is not { } place)
            return;
        _ = pipeline.InvokeAsync(() => pipeline.Join(place, share))
            .ContinueWith(_ => place.Dispose(), CancellationToken.None, TaskContinuationOptions.NotOnRanToCompletion, TaskScheduler.Default);
    }

    // What is wrong with one, its load will say.
    private Weights? TryAttach(ModelOptions model, CancellationToken cancellationToken)
    {
        try
        {
            moves?.Move();
            return DeviceChoice.Of(model) is { Fit: false } choice ? roms.TryAttach(model, choice.Settings, cancellationToken) : null;
        }
        catch (VaiException)
        {
            return null;
        }
    }

    /// <param name="weights">The weights.</param>
    /// <param name="geometry">Its shape.</param>
    /// <param name="warm">What it computes before the pipeline's threads are its own.</param>
    private LlamaContext NewContext(Weights weights, LlamaContextSettings geometry, Action<LlamaContext>? warm = null)
    {
        var context = new LlamaContext(weights.Model, geometry);
        try
        {
            if (weights.Info.IsEmbedding)
                context.RequirePooling(weights.Info.File);
            warm?.Invoke(context);
            context.Attach(pool);
            return context;
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }

    private EncoderCores NewCores(Weights weights, LlamaContext all, int cores)
    {
        var each = new List<LlamaContext>(cores);
        try
        {
            for (int i = 0; i < cores; i++)
                each.Add(new LlamaContext(weights.Model, all.Settings with { Threads = 1 }));
            return new EncoderCores(all, each, pool.Rest, pipeline.Compute is { } compute ? compute.Assist : null);
        }
        catch
        {
            foreach (LlamaContext core in each)
                core.Dispose();
            throw;
        }
    }

    /// <returns>The bytes that it has taken, or had before.</returns>
    private long TryGiveSram(PreparedModel model, long most)
    {
        try
        {
            ModelOptions resolved = Resolve(DeviceChoice.Resolve(model.Model, DeviceChoice.Of(model.Model).Settings), model.Weights.Info);
            long bytes = Geometry.SramBytes(resolved, model.Weights.Info);
            if (model.Weights.Info.IsEmbedding || bytes > most)
                return 0;
            if (model.Context is null)
            {
                model.Context = NewContext(model.Weights, Geometry.Of(resolved, model.Weights.Info, pool.Threads));

                // Its first step touches what a step needs.
                pipeline.InvokeAsync(() => FirstStep(model.Context)).GetAwaiter().GetResult();
            }

            return bytes;
        }
        catch (VaiException)
        {
            return 0;
        }
    }

    private static void FirstStep(LlamaContext context, int rows = 1)
    {
        context.Batch.Clear();
        for (int i = 0; i < rows; i++)
            context.Batch.Add(0, i, 0, logits: i == rows - 1);
        context.Decode();
        context.Batch.Clear();
        context.Clear(0);
    }

    private DeviceClaim? ClaimDevices(ModelOptions options, LlamaModelSettings settings, CancellationToken cancellationToken)
    {
        if (!settings.UsesGpu)
            return null;
        try
        {
            return devices.Claim(options.Name, planner.Plan(options, settings, cancellationToken), settings.Devices);
        }
        catch (VaiException e) when (e.Code is VaiError.NativeFailure or VaiError.ModelRejected or VaiError.RomBurning)
        {
            // Whatever it is, the load itself says it better, or waits for it.
            return devices.Unplanned();
        }
    }

    // Without a ROM: llama.cpp maps the file itself, and finds the other parts beside the first.
    private Weights FromFile(
        ModelOptions options, LlamaModelSettings settings, Action<LoadPhase, double> report, CancellationToken cancellationToken)
    {
        ModelInfo info;
        using (var source = ModelSource.Open(options.File))
        {
            GgufModelInfo.From(source.Header).Validate();
            info = ModelInfo.From(source.Header);
        }

        Resolve(options, info);
        var model = LlamaModel.Load(options.File, settings, fraction => report(LoadPhase.Weights, fraction), cancellationToken);
        return new Weights(model, info, SwitchClass.Loaded);
    }

    /// <summary>Fills in the defaults that depend on the model, and checks every range.</summary>
    private ModelOptions Resolve(ModelOptions o, ModelInfo info) =>
        Geometry.Resolve(o, info, pool.Threads) with { ChatTemplate = ModelTemplates.Chosen(o, info) };
}
