using System.Text.RegularExpressions;
using VAI.Native.Abi;
using VAI.Native.Gguf;
using VAI.Native.Interop;

namespace VAI.Native.Llama;

/// <summary>What of a model's weights each GPU will have, from its header and from where llama.cpp puts its layers.</summary>
internal static partial class PlannedWeights
{
    // Looked up by token, which llama.cpp leaves to the CPU.
    private static readonly string[] Inputs = ["token_embd", "position_embd", "token_types", "per_layer_token_embd"];

    /// <summary>Bytes by the device's name, as its buffers take them.</summary>
    /// <param name="file">The model.</param>
    /// <param name="places">Where its layers are.</param>
    /// <param name="devices">The GPUs among these places.</param>
    public static IReadOnlyDictionary<string, long> Of(GgufFile file, WeightPlaces places, IReadOnlyList<NativeDevice> devices)
    {
        var info = GgufModelInfo.From(file);
        var bytes = new Dictionary<string, long>();
        foreach (GgufTensor tensor in file.Tensors)
        {
            if (!Inputs.Any(i => tensor.Name.StartsWith(i, StringComparison.Ordinal)))
                Add(tensor, LayerOf(tensor.Name));
        }

        // An output that is not there is the embeddings', a second time.
        if (!file.TryGetTensor(TiedOutput.Name, out _) && !IsEncoder(info) && file.TryGetTensor(TiedOutput.Embeddings, out GgufTensor embeddings))
            Add(embeddings with { Name = TiedOutput.Name }, null);
        return bytes;

        void Add(GgufTensor tensor, int? layer)
        {
            if (places.Layers.Count == 0 || layer >= places.Layers.Count)
                return;
            string name = places.Layers[layer ?? ^1];
            if (devices.FirstOrDefault(d => d.Name == name) is not { } device)
                return;
            nint type = GgmlNative.ggml_backend_dev_buffer_type(device.Handle);
            if (tensor.Rank < 2 || TensorProbe.CanMultiply(device.Handle, type, tensor, Math.Max(1, info.ExpertsUsed ?? 1)))
                bytes[name] = bytes.GetValueOrDefault(name) + TensorProbe.BytesIn(type, tensor);
        }
    }

    /// <summary>The tensor that takes most: what an upload may have a copy of.</summary>
    public static long Largest(GgufFile file) => file.Tensors.Count == 0 ? 0 : file.Tensors.Max(t => t.Bytes);

    private static bool IsEncoder(GgufModelInfo info) =>
        info.Architecture is { } name && (name.Contains("bert", StringComparison.Ordinal) || name == "t5encoder");

    private static int? LayerOf(string name) => LayerName().Match(name) is { Success: true } m && int.TryParse(m.Groups[1].ValueSpan, out int layer) ? layer : null;

    [GeneratedRegex(@"^blk\.(\d{1,4})\.")]
    private static partial Regex LayerName();
}
