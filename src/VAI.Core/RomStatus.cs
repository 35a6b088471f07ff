namespace VAI;

/// <summary>What has become of a ROM.</summary>
public enum RomCondition
{
    /// <summary>Being burned.</summary>
    Burning = 1,

    /// <summary>Can be attached.</summary>
    Ready = 2,

    /// <summary>Goes when the last process lets go of it.</summary>
    Evicting = 3,
}

/// <summary>A ROM directory at one moment. Sizes are in bytes.</summary>
public sealed record RomStatus
{
    /// <summary>Its path.</summary>
    public required string Directory { get; init; }

    /// <summary>The process that changed the registry last, as its own pid namespace calls it; 0 if none has.</summary>
    public int OwnerPid { get; init; }

    /// <summary>Whether a process of that id runs in this pid namespace.</summary>
    public bool OwnerAlive { get; init; }

    /// <summary>What its images take.</summary>
    public long RomBytes { get; init; }

    /// <summary>Size of the file system it is on; 0 if unknown.</summary>
    public long TotalBytes { get; init; }

    /// <summary>What of that is free.</summary>
    public long FreeBytes { get; init; }

    /// <summary>The ROMs, one for each name.</summary>
    public IReadOnlyList<RomInfo> Roms { get; init; } = [];
}

/// <summary>A ROM under one of its names. Sizes are in bytes.</summary>
public sealed record RomInfo
{
    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>The image's file name without its extension; the same for all names of one image.</summary>
    public required string Id { get; init; }

    /// <summary>SHA-256 of the image in hexadecimal; empty while it is burned.</summary>
    public required string Digest { get; init; }

    /// <summary>What has become of it.</summary>
    public required RomCondition Condition { get; init; }

    /// <summary>What it was burned for.</summary>
    public required RomProfile Profile { get; init; }

    /// <summary>Whether its weights are in the layout of a CPU's kernels.</summary>
    public required bool Packed { get; init; }

    /// <summary>Why they, or the output matrix among them, are not, though the profile is fast; empty otherwise.</summary>
    public string Note { get; init; } = "";

    /// <summary>Size of the image, or of the source while it is burned.</summary>
    public long Bytes { get; init; }

    /// <summary>
    /// Which part of the image lies in huge pages of memory, 0 to 1, by samples; null where the kernel does not tell (before Linux 6.7), of a
    /// directory on a disk, and while it is burned.
    /// </summary>
    public double? HugePages { get; init; }

    /// <summary>How far a burn is, 0 to 1.</summary>
    public double Burned { get; init; }

    /// <summary>The model's architecture.</summary>
    public string Architecture { get; init; } = "";

    /// <summary>Tokens of its vocabulary.</summary>
    public int VocabularySize { get; init; }

    /// <summary>Its layers.</summary>
    public int Layers { get; init; }

    /// <summary>Length of its embeddings.</summary>
    public int EmbeddingLength { get; init; }

    /// <summary>The context it was trained for, in tokens.</summary>
    public int TrainingContextLength { get; init; }

    /// <summary>What burning took.</summary>
    public TimeSpan BurnTime { get; init; }

    /// <summary>When it was burned.</summary>
    public DateTimeOffset BurnedAt { get; init; }

    /// <summary>What the last load from it took, from the options to a usable model; zero before the first.</summary>
    public TimeSpan LoadTime { get; init; }

    /// <summary>Whether a live process has it on a GPU: whether there are <see cref="OnDevices"/>.</summary>
    public bool OnGpu => OnDevices.Count > 0;

    /// <summary>
    /// Those of the <see cref="Holders"/> that have its weights on devices other than the CPU, one for each process. Who ends, however he does, is no longer one of them.
    /// </summary>
    public IReadOnlyList<DeviceHolder> OnDevices { get; init; } = [];

    /// <summary>Other names of the same image, in order.</summary>
    public IReadOnlyList<string> OtherNames { get; init; } = [];

    /// <summary>Attached models, in all live processes of every user, under whichever name of the image.</summary>
    public int Attached { get; init; }

    /// <summary>Their open sessions.</summary>
    public int Sessions { get; init; }

    /// <summary>
    /// The processes of the directory's owner that are attached under this name, as their own pid namespaces call them; one is listed
    /// for each model it holds. Empty for other users, who do not see them.
    /// </summary>
    public IReadOnlyList<int> Holders { get; init; } = [];

    /// <summary>Tokens ever generated from it by processes of the directory's owner.</summary>
    public long TokensServed { get; init; }

    /// <summary>The process that burned it, burns it or evicts it, as its own pid namespace calls it.</summary>
    public int OwnerPid { get; init; }

    /// <summary>Whether it does: by its lock while it burns or evicts; afterwards whether a process of that id runs in this pid namespace.</summary>
    public bool OwnerAlive { get; init; }
}

/// <summary>A process that has a model's weights on devices other than the CPU.</summary>
/// <param name="Pid">The process, as its own pid namespace calls it.</param>
/// <param name="Devices">
/// llama.cpp's names of them in that process, such as <c>CUDA0</c> or <c>Vulkan1</c>. A backend's last is <c>CUDA7</c>, which stands for those after it, too; devices of
/// backends other than CUDA, Vulkan and ROCm are <c>Other0</c> and so on.
/// </param>
public sealed record DeviceHolder(int Pid, IReadOnlyList<string> Devices);

/// <summary>What a burn came to.</summary>
/// <param name="Rom">The ROM.</param>
/// <param name="Burned">False if it was there already, or another process burned it meanwhile.</param>
public sealed record RomBurnResult(RomInfo Rom, bool Burned);

/// <summary>What an eviction came to.</summary>
/// <param name="Name">The name that is gone.</param>
/// <param name="FreedBytes">Bytes that became free; 0 where another name keeps the image.</param>
/// <param name="KeptFor">That name; null where there is none.</param>
public sealed record RomEviction(string Name, long FreedBytes, string? KeptFor);
