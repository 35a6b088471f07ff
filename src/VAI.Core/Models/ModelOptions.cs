using VAI.OptionRules;

namespace VAI;

/// <summary>The type of one half of a KV cache.</summary>
public enum KvType
{
    /// <summary>32-bit floats.</summary>
    F32 = 0,

    /// <summary>16-bit floats.</summary>
    F16 = 1,

    /// <summary>4.5 bits a value.</summary>
    Q4_0 = 2,

    /// <summary>8.5 bits a value.</summary>
    Q8_0 = 8,
}

/// <summary>Whether attention uses the fused kernel.</summary>
public enum FlashAttention
{
    /// <summary>Where the device supports it.</summary>
    Auto = -1,

    /// <summary>Never.</summary>
    Off = 0,

    /// <summary>Always; required by a quantised <see cref="ModelOptions.ValueType"/>.</summary>
    On = 1,
}

/// <summary>A model to load: its name, its file, and the geometry of its SRAM bank. Lengths are in tokens.</summary>
public sealed record ModelOptions
{
    /// <summary>The name to select it by, 1 to 128 characters; where its ROM is burned, at most 256 bytes as UTF-8.</summary>
    [ModelName]
    public required string Name { get; set; }

    /// <summary>
    /// The GGUF file, or the name of a ROM. A file that was burned need not exist any more: its ROM is found by its path.
    /// </summary>
    [ModelFile]
    public required string File { get; set; }

    /// <summary>
    /// How the weights are held. The first load of a file burns its ROM, which takes about as long as reading and packing it
    /// twice and stays until it is evicted; later loads, in any process, attach it in milliseconds.
    /// </summary>
    [Defined]
    public RomProfile Profile { get; set; } = RomProfile.Fast;

    /// <summary>The longest session: 1 to what the model was trained for; null for the smaller of that and 4,096.</summary>
    [Between(1, 1 << 26)]
    public int? ContextLength { get; set; }

    /// <summary>
    /// KV cells of the bank, shared by all its sessions: <see cref="ContextLength"/> or more. Null for
    /// <see cref="ContextLength"/>: one full session, or several short ones. Under <see cref="RomProfile.Exact"/> each session in
    /// SRAM has a part of its own, so that this many divided by <see cref="ContextLength"/> are in it at once.
    /// </summary>
    [Between(1, 1 << 26)]
    public int? SramTokens { get; set; }

    /// <summary>Most sessions in SRAM at once, 1 to 256. More may be open: they take turns, and those that wait are parked.</summary>
    [Between(1, 256)]
    public int MaxSessions { get; set; } = 8;

    /// <summary>
    /// Most prompt tokens of one step, 1 to 65,536; longer prompts are cut into steps, which is how long others wait. Null to choose
    /// by the size of the model. Under <see cref="RomProfile.Exact"/> it is always 32.
    /// </summary>
    [Between(1, 65_536)]
    public int? BatchSize { get; set; }

    /// <summary>
    /// Most tokens computed together, 1 to <see cref="BatchSize"/> plus <see cref="MaxSessions"/>; bounds the compute scratch. Null
    /// for all of a step.
    /// </summary>
    [Between(1, 65_536 + 256)]
    public int? MicroBatchSize { get; set; }

    /// <summary>Type of the cached keys.</summary>
    [Defined]
    public KvType KeyType { get; set; } = KvType.F16;

    /// <summary>Type of the cached values.</summary>
    [Defined]
    public KvType ValueType { get; set; } = KvType.F16;

    /// <summary>
    /// Whether attention uses the fused kernel. Under <see cref="RomProfile.Exact"/> it does where the context is at most 256 tokens, and cannot
    /// be set to always.
    /// </summary>
    [Defined]
    public FlashAttention FlashAttention { get; set; } = FlashAttention.Auto;

    /// <summary>
    /// The chat template (Jinja) that takes the place of the file's own, or the name of another that the file has; null for the file's own.
    /// </summary>
    public string? ChatTemplate { get; set; }

    /// <summary>
    /// What computes it, by llama.cpp's names in any case, with or without a colon before the number (<c>CUDA0</c>, <c>vulkan:1</c>): GPUs, over which its layers
    /// are spread, or <c>cpu</c>; <c>gpu</c> stands for every GPU there is. Null leaves it to <see cref="GpuLayers"/>. <see cref="IVai.DevicesAsync"/> lists them.
    /// </summary>
    public IReadOnlyList<string>? Devices { get; set; }

    /// <summary>
    /// Layers to put on GPUs, the output counted as one: 0 for none, -1 for all. Null for as many as fit where <see cref="Devices"/> names a GPU, which a plan
    /// decides before anything is loaded, and for none where it does not.
    /// </summary>
    public int? GpuLayers { get; set; }

    /// <summary>Which of these GPUs has what is not split, counted from 0.</summary>
    public int MainGpu { get; set; }

    /// <summary>Each GPU's share of the layers, in any unit; null to let llama.cpp decide.</summary>
    public IReadOnlyList<float>? TensorSplit { get; set; }

    /// <summary>Whether it asks for a GPU.</summary>
    internal bool WantsGpu => GpuLayers is { } layers ? layers != 0 : Devices is { Count: > 0 } && !NamesCpu;

    /// <summary>Whether it asks for the CPU.</summary>
    internal bool NamesCpu => Devices?.Contains("cpu", StringComparer.OrdinalIgnoreCase) == true;

    /// <summary>Whether others ask for the same: lists are compared by what they hold, which a record does not.</summary>
    internal bool AsksFor(ModelOptions other) =>
        this with { Devices = null, TensorSplit = null } == other with { Devices = null, TensorSplit = null }
        && (Devices ?? []).SequenceEqual(other.Devices ?? [], StringComparer.OrdinalIgnoreCase)
        && (TensorSplit ?? []).SequenceEqual(other.TensorSplit ?? []);
}
