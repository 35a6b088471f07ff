namespace VAI;

/// <summary>What a model takes, in bytes, and the geometry it follows from. Immutable.</summary>
/// <remarks>
/// llama.cpp tells its buffers in MiB with two decimals: <see cref="ScratchBytes"/> and what was measured are within 5,243 bytes a
/// buffer of the truth. A plan's <see cref="KvBytes"/> and <see cref="OutputBytes"/> are exact where every layer has the heads that
/// the header gives.
/// </remarks>
public record ModelMemory
{
    /// <summary>
    /// Static: the ROM's image with its header page and its alignment. 0 without a ROM, where llama.cpp maps the file itself.
    /// </summary>
    public required long RomBytes { get; init; }

    /// <summary>Dynamic: the SRAM bank, which is the KV cache of all sessions; 0 for a model without one.</summary>
    public required long KvBytes { get; init; }

    /// <summary>Dynamic: llama.cpp's compute buffers, for the largest step. Their pages are taken as steps touch them.</summary>
    public required long ScratchBytes { get; init; }

    /// <summary>
    /// Dynamic: logits and embeddings of a step. An embedding model's is planned for its longest text and grows to it, so that less
    /// is measured after a load.
    /// </summary>
    public required long OutputBytes { get; init; }

    /// <summary>Static: copies of weights in the memory of GPUs. They come from the ROM, and go without loss.</summary>
    public long WeightBytes => Devices.Sum(d => d.WeightBytes);

    /// <summary>All that is dynamic.</summary>
    public long DynamicBytes => KvBytes + ScratchBytes + OutputBytes;

    /// <summary>The dynamic bytes of each device, and its weights if it is a GPU, <see cref="OutputBytes"/> apart, which are the host's.</summary>
    public required IReadOnlyList<DeviceMemory> Devices { get; init; }

    /// <summary>The longest session, in tokens.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Tokens that fit into the SRAM bank.</summary>
    public required int SramTokens { get; init; }

    /// <summary>Most sessions in SRAM at once.</summary>
    public required int Sessions { get; init; }

    /// <summary>KV cells of the bank as llama.cpp rounds them up.</summary>
    public required int Cells { get; init; }

    /// <summary>Rows of the largest step: prompt tokens, and one of each other session.</summary>
    public required int StepRows { get; init; }
}

/// <summary>What a model takes on one device, in bytes.</summary>
/// <param name="Device">llama.cpp's name of the memory, for example <c>CPU</c>, <c>CUDA0</c> or <c>CUDA_Host</c>.</param>
/// <param name="OnHost">Whether it is the machine's own memory and no GPU's.</param>
/// <param name="KvBytes">KV cache.</param>
/// <param name="ScratchBytes">Compute buffers.</param>
/// <param name="WeightBytes">Weights that a GPU has for itself; 0 of the machine's memory, where they are the ROM's.</param>
/// <param name="StagingBytes">
/// The machine's memory that weights go through to get there, at most: a Vulkan driver has it for as long as the process where the GPU's own cannot be written to.
/// </param>
public sealed record DeviceMemory(string Device, bool OnHost, long KvBytes, long ScratchBytes, long WeightBytes = 0, long StagingBytes = 0)
{
    /// <summary>All that it takes there.</summary>
    public long Bytes => KvBytes + ScratchBytes + WeightBytes;
}

/// <summary>What one more model may take of a GPU's memory, in bytes.</summary>
/// <param name="Device">llama.cpp's name of it.</param>
/// <param name="FreeBytes">Free of it, below <see cref="VaiOptions.VramLimit"/> where there is one.</param>
/// <param name="TotalBytes">All of it.</param>
public sealed record DeviceRoom(string Device, long FreeBytes, long TotalBytes);

/// <summary>What a model will take, from its header alone, and whether there is room for it. Immutable.</summary>
public sealed record MemoryPlan : ModelMemory
{
    /// <summary>The file, or the name of the ROM, as it was given.</summary>
    public required string File { get; init; }

    /// <summary>How the weights are to be held.</summary>
    public required RomProfile Profile { get; init; }

    /// <summary>Whether the ROM is there already; its size is then not a plan but a fact.</summary>
    public required bool IsBurned { get; init; }

    /// <summary>
    /// Whether its weights are in the layout of this CPU's kernels. A burn that finds such a ROM to compute other bits makes a plain
    /// one after all.
    /// </summary>
    public required bool IsPacked { get; init; }

    /// <summary>Where the ROM is or will be; null without one.</summary>
    public string? RomDirectory { get; init; }

    /// <summary>Free bytes there.</summary>
    public long RomFreeBytes { get; init; }

    /// <summary>What a process takes besides: .NET and llama.cpp, about 55 MiB, and the vocabulary. An estimate.</summary>
    public long PrivateBytes { get; init; }

    /// <summary>
    /// The most that a burn has in memory at once, the image among it where its directory is in memory; 0 where there is nothing to burn.
    /// </summary>
    public long BurnBytes { get; init; }

    /// <summary>
    /// Bytes that a process which starts now can have, of the machine and below every limit of its control group and those above it;
    /// 0 where the system does not tell.
    /// </summary>
    public required long AvailableBytes { get; init; }

    /// <summary>The limit with the least room below it, in bytes; null where none is set.</summary>
    public long? LimitBytes { get; init; }

    /// <summary>The control group that has that limit, by its directory; null where none is set.</summary>
    public string? LimitSource { get; init; }

    /// <summary>
    /// What a process with this model needs of <see cref="AvailableBytes"/>: <see cref="PrivateBytes"/>, and either <see cref="BurnBytes"/>
    /// or the host's dynamic bytes with a ROM still to be burned into memory, whichever is more. A ROM that is there is not counted.
    /// </summary>
    public required long NeededBytes { get; init; }

    /// <summary>Layers that go to GPUs, the output counted as one; 0 for none.</summary>
    public int GpuLayers { get; init; }

    /// <summary>The room on each GPU that it is to have a part of.</summary>
    public IReadOnlyList<DeviceRoom> Rooms { get; init; } = [];

    /// <summary>Whether every GPU has room for what goes there.</summary>
    public bool DevicesFit => Devices.All(d => d.OnHost || Rooms.FirstOrDefault(r => r.Device == d.Device) is not { } room || d.Bytes <= room.FreeBytes);

    /// <summary>Whether the ROM is there or there is room for it.</summary>
    public bool RomFits => RomBytes == 0 || IsBurned || RomBytes <= RomFreeBytes;

    /// <summary>Whether <see cref="NeededBytes"/> are available.</summary>
    public bool MemoryFits => AvailableBytes == 0 || NeededBytes <= AvailableBytes;
}
