using System.Text.RegularExpressions;
using VAI.Native.Abi;
using VAI.Native.Gguf;
using VAI.Native.Interop;
using VAI.Native.Llama;
using VAI.Native.Source;

namespace VAI.Native.Rom;

/// <summary>How large the image of a model will be, from its header alone.</summary>
internal static class RomSize
{
    private const int CpuDevice = 0;

    /// <summary>Length of a plain image.</summary>
    /// <param name="fileBytes">Length of the GGUF.</param>
    public static long Plain(long fileBytes) => RomLayout.Page + RomLayout.PageUp(fileBytes);

    /// <summary>
    /// Length of the image that a burn makes, and whether it is packed. A packed image that does not compute the same bits is burned
    /// plain after all; only the burn finds out.
    /// </summary>
    public static (long Bytes, bool Packed) Of(ModelSource model, RomProfile profile)
    {
        GgufFile source = model.Header;
        if (profile != RomProfile.Fast)
            return (Plain(model.Length), false);
        if (RomTied.Find(source) is { } output && RomTied.Packing(source, output) is { } tied && RomPacking.Fits(tied))
            return (Packed(source, tied, output), true);
        IReadOnlyList<PackedTensors> packing = RomPacking.For(source);
        return packing.Count > 0 && RomPacking.Fits(packing) ? (Packed(source, packing, null), true) : (Plain(model.Length), false);
    }

    /// <summary>
    /// The most that a burn has in memory at once, besides the process: the copy that llama.cpp makes by its own load of what is to
    /// be packed, and after that the image, where it is in memory, with its largest tensor beside it.
    /// </summary>
    /// <param name="source">The model.</param>
    /// <param name="imageBytes">The image's length.</param>
    /// <param name="packed">Whether it is packed.</param>
    /// <param name="inMemory">Whether the ROM directory is.</param>
    public static long BurnPeak(GgufFile source, long imageBytes, bool packed, bool inMemory)
    {
        long image = inMemory ? imageBytes : 0;
        return packed ? Math.Max(source.Tensors.Sum(t => t.Bytes), image + source.Tensors.Max(t => t.Bytes)) : image;
    }

    /// <summary>Length of a packed image. As llama.cpp fills a buffer of each type: every tensor aligned, one after the other.</summary>
    public static long Packed(GgufFile source, IReadOnlyList<PackedTensors> packing, TiedOutput? tied)
    {
        NativeLoader.EnsureLoaded();
        nint plain = GgmlNative.ggml_backend_dev_buffer_type(GgmlNative.ggml_backend_dev_by_type(CpuDevice));
        var buffers = new Dictionary<nint, long>();
        Regex[] patterns = [.. packing.Select(p => new Regex(p.Pattern, RegexOptions.ECMAScript))];
        foreach (GgufTensor tensor in tied is null ? source.Tensors : [.. source.Tensors, RomTied.Listed(tied)])
        {
            int found = Array.FindIndex(patterns, p => p.IsMatch(tensor.Name));
            nint type = found < 0 ? plain : packing[found].BufferType;
            buffers[type] = buffers.GetValueOrDefault(type) + TensorProbe.BytesIn(type, tensor);
        }

        // The embeddings come first in their buffer, and their pages are not in the image.
        long hole = tied is null ? 0 : new RomSection(0, buffers[plain], RomFill.Phase, "").WithHole(0, tied.Bytes).HoleBytes;
        return RomLayout.Page + RomLayout.PageUp(source.DataOffset) + buffers.Values.Sum(b => RomLayout.PageUp(RomFill.Phase + b)) - hole;
    }
}
