using Microsoft.Extensions.Logging;
using VAI.Diagnostics;
using VAI.Native.Gguf;
using VAI.Native.Llama;
using VAI.Native.Machine;
using VAI.Native.Registry.Entries;
using VAI.Native.Registry.Leases;
using VAI.Native.Rom;
using VAI.Native.Source;
using VAI.Pipeline.Compute;
using VAI.Text.Constraints.Matching;

namespace VAI.Residency;

/// <summary>Weights out of the ROM directory: attached if the ROM is there, burned first if it is not.</summary>
internal sealed class RomLoader(string? directory, TimeSpan wait, ILogger log) : IDisposable
{
    private readonly Lock _gate = new();
    private RomStore? _store;

    /// <summary>What a load burns where there is no ROM: a GPU packs by itself, and on the CPU exact computes on what fast does.</summary>
    public static RomProfile BurnProfile(LlamaModelSettings settings) => settings.UsesGpu ? RomProfile.Exact : RomProfile.Fast;

    public static VaiUsageException NotFound(string file, string romDirectory) => new(
        VaiError.FileNotFound, $"{file}: there is no such file, and no ROM of that name in {romDirectory}. Check the path or the name.");

    /// <exception cref="VaiUsageException"><see cref="VaiError.NotSupported"/>: packed weights are for a CPU.</exception>
    public static void CheckDevice(in RegistryEntry entry, ModelOptions options, LlamaModelSettings settings)
    {
        if (settings.UsesGpu && entry.Packed)
        {
            throw new VaiUsageException(
                VaiError.NotSupported,
                $"'{options.File}' is burned for the CPU's kernels and cannot go to a GPU. Load it from its file, or burn it with profile exact.");
        }
    }

    /// <param name="options">The model.</param>
    /// <param name="settings">Where the weights go.</param>
    /// <param name="check">Called before anything is burned: throws where the options do not suit the model, or there is no room.</param>
    /// <param name="report">Told how far it is.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public Weights Load(
        ModelOptions options,
        LlamaModelSettings settings,
        Action<ModelSource> check,
        Action<LoadPhase, double> report,
        CancellationToken cancellationToken)
    {
        RomStore store = Store();
        RomHold? hold = Find(store, options, settings, cancellationToken);
        bool burned = false;
        if (hold is null)
        {
            if (!Path.Exists(options.File))
                throw NotFound(options.File, store.Directory.Path);

            (RegistryEntry entry, burned) = Burn(store, options, settings, check, report, cancellationToken);
            hold = store.Hold(entry, wait, cancellationToken);
        }

        return Attach(hold, options.File, settings, burned ? SwitchClass.Loaded : SwitchClass.Attached, report, cancellationToken);
    }

    /// <summary>Whether burning a model takes memory for its image: the directory is in memory, and it has none that may be it.</summary>
    public bool TakesMemory(ModelSource source)
    {
        RomDirectory roms = Store().Directory;
        return roms.IsInMemory && !RomFile.IsThere(roms, source.Header);
    }

    /// <summary>A place among the processes that share the ROM directory; null where they cannot, or there is none to be had.</summary>
    public TurnPage? Join() => Store().Directory is { CanWrite: true } roms ? TurnPage.Open(Path.Combine(roms.Path, Turns.FileName)) : null;

    /// <summary>Attaches a ROM that is there; null if there is none, or if attaching would copy it.</summary>
    public Weights? TryAttach(ModelOptions options, LlamaModelSettings settings, CancellationToken cancellationToken) =>
        options.Profile != RomProfile.None && !settings.UsesGpu && Find(Store(), options, settings, cancellationToken) is { } hold
            ? Attach(hold, options.File, settings, SwitchClass.Attached, static (_, _) => { }, cancellationToken)
            : null;

    /// <summary>Tells the registry what a load took.</summary>
    public void Note(ModelContext model)
    {
        if (model.Weights.Hold is { } hold)
            _store?.NoteLoad(hold, model.LoadTime);
    }

    public void Dispose()
    {
        lock (_gate)
            _store?.Dispose();
    }

    // What it was loaded from is what was given, and not another file of the same weights that was burned first.
    private Weights Attach(
        RomHold hold,
        string given,
        LlamaModelSettings settings,
        SwitchClass switchClass,
        Action<LoadPhase, double> report,
        CancellationToken cancellationToken)
    {
        try
        {
            report(LoadPhase.Weights, 0);

            // The vocabulary is most of either: this way it is read twice at the same time.
            RomFile file = hold.File;
            Task<ModelInfo> parsing = Task.Factory.StartNew(
                () =>
                {
                    using GgufFile metadata = file.ParseMetadata(given);
                    return ModelInfo.From(metadata);
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
            AttachedModel attached;
            try
            {
                attached = RomAttacher.Attach(file, settings, fraction => report(LoadPhase.Weights, fraction), cancellationToken);
            }
            finally
            {
                ((IAsyncResult)parsing).AsyncWaitHandle.WaitOne();
            }

            hold.Lease.SetDevices(DeviceSet.Of(settings.UsesGpu && attached.Model.Places.Layers is { Count: > 0 } places ? places.Distinct() : settings.Devices.Select(d => d.Name)));
            VocabularyTries.KeepBeside(attached.Model.Vocab, file);
            return new Weights(attached.Model, parsing.GetAwaiter().GetResult(), switchClass, hold);
        }
        catch
        {
            hold.Dispose();
            throw;
        }
    }

    private RomStore Store()
    {
        lock (_gate)
            return _store ??= RomStore.Open(directory);
    }

    private RomHold? Find(RomStore store, ModelOptions options, LlamaModelSettings settings, CancellationToken cancellationToken)
    {
        RegistryEntry? found = store.Find(options.File, options.Profile, settings.UsesGpu);

        // Who may not burn cannot leave it to the burn to compare the digest.
        if (found is null && !store.Directory.CanWrite && File.Exists(options.File))
            found = store.FindContents(options.File, options.Profile, settings.UsesGpu, cancellationToken);
        if (found is not { } entry)
            return null;
        CheckDevice(entry, options, settings);
        try
        {
            return store.Hold(entry, wait, cancellationToken);
        }
        catch (VaiUsageException e) when (e.Code == VaiError.RomNotBurned && File.Exists(options.File))
        {
            // Evicted between the two steps, or a burn that was waited for died.
            return null;
        }
    }

    private (RegistryEntry Entry, bool Burned) Burn(
        RomStore store,
        ModelOptions options,
        LlamaModelSettings settings,
        Action<ModelSource> check,
        Action<LoadPhase, double> report,
        CancellationToken cancellationToken)
    {
        using (var source = ModelSource.Open(options.File))
        {
            GgufModelInfo.From(source.Header).Validate();
            check(source);
        }

        log.RomBurning(options.Name, options.File, store.Directory.Path);
        (RegistryEntry Entry, bool Burned) result = store.Burn(
            new RomBurnRequest(options.File, options.Name, BurnProfile(settings), wait),
            rename: false,
            p => report(LoadPhase.Burning, p.Fraction),
            cancellationToken);
        log.RomBurned(result.Entry.Name, result.Entry.RomId, result.Entry.Bytes >> 20, result.Entry.BurnMicroseconds / 1000.0, result.Entry.Note);
        return result;
    }
}
