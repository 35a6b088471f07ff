using VAI.Native.Abi;

namespace VAI.Native.Llama;

/// <summary>What a model is loaded with.</summary>
internal sealed record LlamaModelSettings
{
    /// <summary>
    /// The GPUs that it may use, in order; none: the CPU computes all of it. llama.cpp has each that is listed take part in steps with many rows, also
    /// of layers that are not there, so that a model of no GPU layers lists none.
    /// </summary>
    public IReadOnlyList<NativeDevice> Devices { get; init; } = [];

    /// <summary>Layers to put there; -1 for all of them.</summary>
    public int GpuLayers { get; init; }

    /// <summary>Which of <see cref="Devices"/> has what is not split.</summary>
    public int MainGpu { get; init; }

    /// <summary>The share of each of <see cref="Devices"/>, in any unit; null to let llama.cpp decide.</summary>
    public IReadOnlyList<float>? TensorSplit { get; init; }

    /// <summary>
    /// Whether llama.cpp makes a private copy of the weights in the layout of its CPU kernels, which is its own default.
    /// </summary>
    public bool Repack { get; init; }

    /// <summary>
    /// Whether the file is mapped; otherwise it is read into memory of the process's own, and one that is shortened meanwhile is an
    /// error where it would end the process (SIGBUS).
    /// </summary>
    public bool Map { get; init; } = true;

    /// <summary>Tensors to pack and copy whatever <see cref="Repack"/> says.</summary>
    public IReadOnlyList<PackedTensors> Packing { get; init; } = [];

    public bool UsesGpu => GpuLayers != 0 && Devices.Count > 0;

    /// <summary>These, on the CPU alone.</summary>
    public LlamaModelSettings OnCpu() => this with { Devices = [], GpuLayers = 0, MainGpu = 0, TensorSplit = null };

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>.</exception>
    public void Check(LoadedLlama library)
    {
        if (GpuLayers < -1)
            throw Invalid($"GpuLayers {GpuLayers} is out of range: use -1 for all layers, 0 for none, or a number of layers.");
        if (MainGpu < 0 || MainGpu >= Math.Max(1, Devices.Count))
            throw Invalid($"MainGpu {MainGpu} does not exist: the model has {Devices.Count} GPU(s).");
        if (TensorSplit is { } split
            && (split.Count > library.MaxDevices || split.Any(v => !float.IsFinite(v) || v < 0)))
        {
            throw Invalid($"TensorSplit takes at most {library.MaxDevices} finite shares of 0 or more.");
        }

        static VaiUsageException Invalid(string message) => new(VaiError.InvalidOption, message);
    }
}
