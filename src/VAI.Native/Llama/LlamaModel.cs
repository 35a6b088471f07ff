using VAI.Native.Abi;
using VAI.Native.Handles;
using VAI.Native.Interop;

namespace VAI.Native.Llama;

/// <summary>What a model is loaded with.</summary>
internal sealed record LlamaModelSettings
{
    /// <summary>Layers to put on the GPU; -1 for all of them.</summary>
    public int GpuLayers { get; init; }

    public int MainGpu { get; init; }

    /// <summary>The share of each device, in any unit; null to let llama.cpp decide.</summary>
    public float[]? TensorSplit { get; init; }

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

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>.</exception>
    public void Check(LoadedLlama library)
    {
        int gpus = library.Devices.Count(d => !d.IsCpu);
        if (GpuLayers < -1)
            throw Invalid($"GpuLayers {GpuLayers} is out of range: use -1 for all layers, 0 for none, or a number of layers.");
        if (MainGpu < 0 || MainGpu >= Math.Max(1, gpus))
            throw Invalid($"MainGpu {MainGpu} does not exist: this machine shows {gpus} GPU(s) to llama.cpp.");
        if (TensorSplit is { } split
            && (split.Length > library.MaxDevices || split.Any(v => !float.IsFinite(v) || v < 0)))
        {
            throw Invalid($"TensorSplit takes at most {library.MaxDevices} finite shares of 0 or more.");
        }

        static VaiUsageException Invalid(string message) => new(VaiError.InvalidOption, message);
    }
}

/// <summary>A model's weights and vocabulary in llama.cpp. Shared by any number of contexts; thread-safe.</summary>
/// <remarks><see cref="ModelLoad"/> makes one.</remarks>
internal sealed class LlamaModel : IDisposable
{
    public LlamaModel(LlamaModelHandle handle)
    {
        Handle = handle;
        Vocab = new LlamaVocab(handle);
        EmbeddingLength = LlamaNative.llama_model_n_embd(handle);
        SlidingWindow = LlamaNative.llama_model_n_swa(handle);
    }

    public LlamaModelHandle Handle { get; }

    public LlamaVocab Vocab { get; }

    public int EmbeddingLength { get; }

    /// <summary>Tokens that the layers with a sliding window look back; 0 if there are none.</summary>
    public int SlidingWindow { get; }

    /// <summary>What contexts are given instead of token ids; null where llama.cpp looks tokens up by itself.</summary>
    public EmbeddingRows? Rows { get; set; }

    /// <summary>As <see cref="ModelLoad.FromFile"/>.</summary>
    public static LlamaModel Load(
        string file, LlamaModelSettings settings, Action<float>? progress = null, CancellationToken cancellationToken = default) =>
        ModelLoad.FromFile(file, settings, progress, cancellationToken);

    public void Dispose() => Handle.Dispose();
}
