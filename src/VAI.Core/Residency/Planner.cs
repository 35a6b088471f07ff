using VAI.Native.Abi;
using VAI.Native.Gguf;
using VAI.Native.Llama;
using VAI.Native.Memory;
using VAI.Native.Registry;
using VAI.Native.Registry.Entries;
using VAI.Native.Rom;
using VAI.Native.Source;
using VAI.Residency.Devices;

namespace VAI.Residency;

/// <summary>From options to a plan. Reads a header, and the registry if there is one; makes, burns and leases nothing.</summary>
internal sealed class Planner(string? romDirectory, int threads, DeviceLedger ledger)
{
    public MemoryPlan Plan(ModelOptions options, CancellationToken cancellationToken)
    {
        LlamaModelSettings settings = Place(options, cancellationToken);
        return Plan(DeviceChoice.Resolve(options, settings), settings, cancellationToken);
    }

    /// <summary>Where a model's layers go: as its options say, or as many on GPUs as fit.</summary>
    /// <exception cref="VaiException">As for loading it.</exception>
    public LlamaModelSettings Place(ModelOptions options, CancellationToken cancellationToken)
    {
        var choice = DeviceChoice.Of(options);
        if (!choice.Fit)
            return choice.Settings;
        (GgufFile file, IDisposable owner) = Header(options, choice.Settings);
        using (owner)
        {
            GgufModelInfo.From(file).Validate();
            var info = ModelInfo.From(file);
            return DeviceFit.Of(choice.Settings, info.Layers, ledger, tried =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                return Measure(file, Geometry.Resolve(DeviceChoice.Resolve(options, tried), info, threads), info, tried, threads, packed: false, 0);
            });
        }
    }

    /// <param name="options">The model.</param>
    /// <param name="settings">Where its layers go.</param>
    /// <param name="cancellationToken">Gives up at the next step of a few milliseconds.</param>
    public MemoryPlan Plan(ModelOptions options, LlamaModelSettings settings, CancellationToken cancellationToken)
    {
        using RomFile? rom = options.Profile == RomProfile.None ? null : FindRom(options, settings);
        using ModelSource? source = rom is null ? ModelSource.Open(options.File) : null;
        using GgufFile? burned = rom?.ParseMetadata(options.File);
        GgufFile file = source?.Header ?? burned!;
        cancellationToken.ThrowIfCancellationRequested();
        if (rom is null)
            GgufModelInfo.From(file).Validate();
        var info = ModelInfo.From(file);
        ModelOptions resolved = Geometry.Resolve(options, info, threads);

        (long romBytes, bool packed) = rom is not null ? (rom.Header.ImageBytes, rom.Header.Weights == RomWeights.Packed)
            : options.Profile == RomProfile.None ? (0, false)
            : RomSize.Of(source!, RomLoader.BurnProfile(settings));
        cancellationToken.ThrowIfCancellationRequested();
        ModelMemory memory = Measure(file, resolved, info, settings, threads, packed, romBytes);
        return With(memory, options, settings, file, rom is not null, packed);
    }

    /// <summary>What a context on a model without memory says that it would take.</summary>
    public static ModelMemory Measure(
        GgufFile file, ModelOptions resolved, ModelInfo info, LlamaModelSettings settings, int threads, bool packed, long romBytes)
    {
        LlamaContextSettings geometry = Geometry.Of(resolved, info, threads);
        Footprint.CheckKv(resolved, geometry, GgufModelInfo.From(file), settings);
        try
        {
            using LlamaModel model = ModelOutline.Of(file.Head, resolved.File, packed ? settings.OnCpu() : settings);
            using var context = new LlamaContext(model, geometry);
            if (info.IsEmbedding)
                context.RequirePooling(resolved.File);
            return Footprint.Planned(resolved, context, file, settings, info.IsEmbedding, romBytes);
        }
        finally
        {
            NativeHeap.TrimLater();
        }
    }

    /// <summary>The dynamic bytes that are the machine's own memory, and all that is on a GPU which has no other.</summary>
    public static long HostBytes(ModelMemory memory) =>
        memory.OutputBytes + memory.Devices.Sum(d => d.StagingBytes + (d.OnHost || IsIntegrated(d.Device) ? d.Bytes : 0));

    private static bool IsIntegrated(string device) =>
        NativeLoader.EnsureLoaded().Gpus.Any(d => d.Name == device && d.Kind == NativeDeviceKind.IntegratedGpu);

    private RomFile? FindRom(ModelOptions options, LlamaModelSettings settings)
    {
        (string path, _) = RomDirectory.Locate(romDirectory);
        var directory = RomDirectory.Open(romDirectory, create: false);
        using RomRegistry? registry = directory is null ? null : RomRegistry.TryOpen(directory.Path);
        RegistryEntry? found = registry is null ? null : StoreIndex.Find(registry, options.File, options.Profile, settings.UsesGpu);
        if (found is { State: not RomState.Burning } entry)
        {
            RomLoader.CheckDevice(entry, options, settings);
            try
            {
                var rom = RomFile.Open(directory!.ImagePath(entry.RomId));
                try
                {
                    rom.CheckBuild();
                    return rom;
                }
                catch
                {
                    rom.Dispose();
                    throw;
                }
            }
            catch (VaiUsageException e) when (e.Code == VaiError.RomNotBurned && File.Exists(options.File))
            {
                // Evicted between the two steps.
            }
        }

        // Its metadata is not there to be read yet.
        if (found is { State: RomState.Burning } && !File.Exists(options.File))
            throw new VaiEngineException(VaiError.RomBurning, $"'{options.File}' is being burned. Plan with its file, or wait until it is done.");
        return Path.Exists(options.File) ? null : throw RomLoader.NotFound(options.File, path);
    }

    // Of the file, or of a ROM that is there without it: what a model's layers take is the same in all of them.
    private (GgufFile File, IDisposable Owner) Header(ModelOptions options, LlamaModelSettings settings)
    {
        if (File.Exists(options.File) || options.Profile == RomProfile.None || FindRom(options, settings) is not { } rom)
        {
            var source = ModelSource.Open(options.File);
            return (source.Header, source);
        }

        using (rom)
        {
            GgufFile burned = rom.ParseMetadata(options.File);
            return (burned, burned);
        }
    }

    private MemoryPlan With(ModelMemory memory, ModelOptions options, LlamaModelSettings settings, GgufFile file, bool burned, bool packed)
    {
        (string directory, _) = RomDirectory.Locate(romDirectory);
        DriveInfo drive = DriveOf(directory);
        bool inMemory = drive.DriveFormat is "tmpfs" or "ramfs", burns = memory.RomBytes > 0 && !burned;
        MemoryRoom room = MemoryRoom.Read();
        long own = MemoryRoom.PrivateBytes(GgufModelInfo.From(file).VocabularySize ?? 0);
        long burn = burns ? RomSize.BurnPeak(file, memory.RomBytes, packed, inMemory) : 0;
        return new MemoryPlan
        {
            RomBytes = memory.RomBytes,
            KvBytes = memory.KvBytes,
            ScratchBytes = memory.ScratchBytes,
            OutputBytes = memory.OutputBytes,
            Devices = memory.Devices,
            ContextLength = memory.ContextLength,
            SramTokens = memory.SramTokens,
            Sessions = memory.Sessions,
            Cells = memory.Cells,
            StepRows = memory.StepRows,
            File = options.File,
            Profile = options.Profile,
            IsBurned = burned,
            IsPacked = packed,
            GpuLayers = settings.UsesGpu ? Layers(settings, file) : 0,
            Rooms = [.. settings.Devices.Select(d => new DeviceRoom(d.Name, ledger.Room(d), d.Memory().Total))],
            RomDirectory = memory.RomBytes > 0 ? directory : null,
            RomFreeBytes = memory.RomBytes > 0 ? drive.AvailableFreeSpace : 0,
            PrivateBytes = own,
            BurnBytes = burn,
            AvailableBytes = room.Total == 0 ? 0 : room.Available + MemoryRoom.OwnBytes(),
            LimitBytes = room.Limit?.Bytes,
            LimitSource = room.Limit?.Group,
            NeededBytes = own + Math.Max(burn, HostBytes(memory) + (burns && inMemory ? memory.RomBytes : 0)),
        };
    }

    private static int Layers(LlamaModelSettings settings, GgufFile file)
    {
        int all = 1 + (int)(GgufModelInfo.From(file).Layers ?? 0);
        return settings.GpuLayers < 0 ? all : Math.Min(settings.GpuLayers, all);
    }

    // A directory that a burn will make is on the file system of its parent.
    private static DriveInfo DriveOf(string directory)
    {
        while (!Directory.Exists(directory) && Path.GetDirectoryName(directory) is { } parent)
            directory = parent;
        return new DriveInfo(directory);
    }
}
