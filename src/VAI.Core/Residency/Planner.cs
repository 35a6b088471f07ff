using VAI.Native.Abi;
using VAI.Native.Gguf;
using VAI.Native.Llama;
using VAI.Native.Memory;
using VAI.Native.Registry;
using VAI.Native.Registry.Entries;
using VAI.Native.Rom;
using VAI.Native.Source;

namespace VAI.Residency;

/// <summary>From options to a plan. Reads a header, and the registry if there is one; makes, burns and leases nothing.</summary>
internal sealed class Planner(string? romDirectory, int threads)
{
    public MemoryPlan Plan(ModelOptions options, CancellationToken cancellationToken)
    {
        LlamaModelSettings settings = ModelLoader.Settings(options);
        settings.Check(NativeLoader.EnsureLoaded());
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
        return With(memory, options, file, rom is not null, packed);
    }

    /// <summary>What a context on a model without memory says that it would take.</summary>
    public static ModelMemory Measure(
        GgufFile file, ModelOptions resolved, ModelInfo info, LlamaModelSettings settings, int threads, bool packed, long romBytes)
    {
        using LlamaModel model = ModelOutline.Of(file.Head, resolved.File, settings, cpuOnly: packed);
        using var context = new LlamaContext(model, Geometry.Of(resolved, info, threads));
        if (info.IsEmbedding)
            context.RequirePooling(resolved.File);
        return Footprint.Planned(resolved, context, GgufModelInfo.From(file), info.IsEmbedding, romBytes);
    }

    /// <summary>The dynamic bytes that are the machine's own memory.</summary>
    public static long HostBytes(ModelMemory memory) =>
        memory.OutputBytes + memory.Devices.Where(d => d.OnHost).Sum(d => d.KvBytes + d.ScratchBytes);

    private RomFile? FindRom(ModelOptions options, LlamaModelSettings settings)
    {
        (string path, _) = RomDirectory.Locate(romDirectory);
        var directory = RomDirectory.Open(romDirectory, create: false);
        using RomRegistry? registry = directory is null ? null : RomRegistry.TryOpen(directory.Path);
        RegistryEntry? found = registry is null ? null : StoreIndex.Find(registry, options.File, options.Profile, RomLoader.UsesGpu(settings));
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

    private MemoryPlan With(ModelMemory memory, ModelOptions options, GgufFile file, bool burned, bool packed)
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

    // A directory that a burn will make is on the file system of its parent.
    private static DriveInfo DriveOf(string directory)
    {
        while (!Directory.Exists(directory) && Path.GetDirectoryName(directory) is { } parent)
            directory = parent;
        return new DriveInfo(directory);
    }
}
