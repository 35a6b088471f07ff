using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using VAI.Native.Abi;
using VAI.Native.Gguf;
using VAI.Native.Interop;
using VAI.Native.Llama;

namespace VAI.Native.Rom;

/// <summary>
/// Which of a model's tensors the CPU's kernels want in a layout of their own. The backend is asked for each: naming one
/// that it cannot pack ends the process.
/// </summary>
internal static unsafe partial class RomPacking
{
    private const int CpuDevice = 0;

    // Looked up by row, not multiplied with.
    private static readonly string[] Embeddings = ["token_embd", "position_embd", "token_types", "per_layer_token_embd"];

    /// <summary>Asks for every weight that is multiplied with; one element for each buffer type that packs something.</summary>
    /// <param name="file">The model.</param>
    /// <param name="more">Tensors besides those of the file.</param>
    public static IReadOnlyList<PackedTensors> For(GgufFile file, params ReadOnlySpan<GgufTensor> more)
    {
        NativeLoader.EnsureLoaded();
        nint device = GgmlNative.ggml_backend_dev_by_type(CpuDevice);
        long expertsUsed = Math.Max(1, GgufModelInfo.From(file).ExpertsUsed ?? 1);
        var packed = new List<PackedTensors>();
        GgufTensor[] all = [.. file.Tensors, .. more];
        var left = all.Where(IsMultiplied).ToList();
        foreach (nint type in ExtraBufferTypes(device))
        {
            GgufTensor[] fit = [.. left.Where(t => TensorProbe.CanMultiply(device, type, t, expertsUsed))];
            if (fit.Length == 0)
                continue;
            left.RemoveAll(t => fit.Contains(t));
            packed.Add(new PackedTensors(PatternFor(fit, all), type, NameOf(type)));
        }

        return packed;
    }

    /// <summary>Whether a header has room for the list.</summary>
    public static bool Fits(IReadOnlyList<PackedTensors> packing) =>
        RomHeaderPage.Fits([.. packing.Select(p => (p.BufferTypeName, p.Pattern))]);

    /// <summary>Finds the buffer types of a stored packing again.</summary>
    /// <returns>Null if the backend has no buffer type of one of the names.</returns>
    public static IReadOnlyList<PackedTensors>? Find(IEnumerable<(string BufferType, string Pattern)> stored)
    {
        nint[] types = ExtraBufferTypes(GgmlNative.ggml_backend_dev_by_type(CpuDevice));
        PackedTensors?[] found = [.. stored.Select(s =>
            Array.Find(types, t => NameOf(t) == s.BufferType) is var type and not 0
                ? new PackedTensors(s.Pattern, type, s.BufferType) : null)];
        return found.Contains(null) ? null : [.. found.OfType<PackedTensors>()];
    }

    /// <summary>
    /// Whether the output matrix is packed, and nothing of another type: what <see cref="RomProbe.AreRowsAlike"/> compares are its sums
    /// themselves. What differs in the last bits of other matrices may be rounded away before it shows in logits.
    /// </summary>
    /// <param name="file">The model.</param>
    /// <param name="packing">What is packed.</param>
    /// <param name="tied">The output matrix that is made of the embeddings.</param>
    public static bool ShowsAll(GgufFile file, IEnumerable<(string BufferType, string Pattern)> packing, TiedOutput? tied)
    {
        Regex[] patterns = [.. packing.Select(p => new Regex(p.Pattern, RegexOptions.ECMAScript))];
        GgufTensor[] packed = [.. file.Tensors.Where(t => patterns.Any(p => p.IsMatch(t.Name)))];
        GgmlType? output = tied?.Type ?? packed.Where(t => t.Name == TiedOutput.Name).Select(t => (GgmlType?)t.Type).FirstOrDefault();
        return output is not null && packed.All(t => t.Type == output);
    }

    /// <summary>
    /// One expression for all: llama.cpp compiles every expression anew for every tensor. Layers that all hold the tensor
    /// are not counted out.
    /// </summary>
    internal static string PatternFor(IReadOnlyList<GgufTensor> packed, IReadOnlyList<GgufTensor> all)
    {
        var alternatives = new List<string>();
        foreach (var group in packed.Select(t => Split(t.Name)).GroupBy(n => n.Part).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            int[] layers = [.. group.Select(n => n.Layer).Order()];
            string part = Regex.Escape(group.Key);
            int everywhere = all.Count(t => Split(t.Name).Part == group.Key);
            alternatives.Add(layers[0] < 0 ? part
                : layers.Length == everywhere ? $"blk\\..*\\.{part}"
                : $"blk\\.({string.Join('|', layers)})\\.{part}");
        }

        return $"^({string.Join('|', alternatives)})$";
    }

    private static bool IsMultiplied(GgufTensor tensor) =>
        tensor.Rank is 2 or 3
        && tensor.Name.EndsWith(".weight", StringComparison.Ordinal)
        && !Embeddings.Any(e => tensor.Name == e + ".weight");

    // A null-terminated list, from a function that only the CPU backend has.
    private static nint[] ExtraBufferTypes(nint device)
    {
        if (device == 0)
            return [];
        nint function = GgmlNative.ggml_backend_reg_get_proc_address(
            GgmlNative.ggml_backend_dev_backend_reg(device), "ggml_backend_dev_get_extra_bufts");
        if (function == 0)
            return [];
        var types = new List<nint>();
        for (nint* next = ((delegate* unmanaged[Cdecl]<nint, nint*>)function)(device); next is not null && *next != 0; next++)
            types.Add(*next);
        return [.. types];
    }

    private static string NameOf(nint bufferType) => Marshal.PtrToStringUTF8((nint)GgmlNative.ggml_backend_buft_name(bufferType)) ?? "";

    // "blk.12.attn_q.weight" is attn_q.weight of layer 12; other names have layer -1.
    private static (int Layer, string Part) Split(string name) =>
        LayerName().Match(name) is { Success: true } m && int.TryParse(m.Groups[1].ValueSpan, out int layer)
            ? (layer, m.Groups[2].Value) : (-1, name);

    [GeneratedRegex(@"^blk\.(\d{1,4})\.(.+)$")]
    private static partial Regex LayerName();
}
