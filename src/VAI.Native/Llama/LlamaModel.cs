using VAI.Native.Handles;
using VAI.Native.Interop;

namespace VAI.Native.Llama;

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

    /// <summary>Where its weights are; empty where llama.cpp was not asked, or did not say.</summary>
    public WeightPlaces Places { get; init; } = new();

    /// <summary>What contexts are given instead of token ids; null where llama.cpp looks tokens up by itself.</summary>
    public EmbeddingRows? Rows { get; set; }

    /// <summary>As <see cref="ModelLoad.FromFile"/>.</summary>
    public static LlamaModel Load(
        string file, LlamaModelSettings settings, Action<float>? progress = null, CancellationToken cancellationToken = default) =>
        ModelLoad.FromFile(file, settings, progress, cancellationToken);

    public void Dispose() => Handle.Dispose();
}
