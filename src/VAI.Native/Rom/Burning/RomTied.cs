using System.Text.RegularExpressions;
using VAI.Native.Gguf;
using VAI.Native.Llama;

namespace VAI.Native.Rom;

/// <summary>
/// Models whose output is tied to their token embeddings. By itself llama.cpp keeps such a matrix twice, plain to look tokens
/// up and packed to multiply with; a ROM keeps the packed one and takes the tokens out of it.
/// </summary>
internal static class RomTied
{
    // Those that llama.cpp gives a token's row and nothing else of the token. Others have positions of several parts, or embeddings
    // for each layer. That this holds is for RomProbe to say.
    private static readonly string[] Architectures =
    [
        "cohere2", "command-r", "exaone", "exaone4", "falcon-h1", "gemma", "gemma2", "gemma3", "granite", "granitemoe", "internlm2", "lfm2",
        "llama", "olmo", "olmo2", "phi3", "qwen2", "qwen2moe", "qwen3", "qwen3moe", "smollm3", "starcoder2",
    ];

    /// <summary>The output matrix to list and pack, its layout still open; null where there is none to make.</summary>
    public static TiedOutput? Find(GgufFile file)
    {
        var info = GgufModelInfo.From(file);
        if (!Architectures.Contains(info.Architecture) || info.IsEmbedding || file.TryGetTensor(TiedOutput.Name, out _)
            || !file.TryGetTensor(TiedOutput.Embeddings, out GgufTensor rows)
            || rows.Rank != 2 || (long)rows.D0 != info.EmbeddingLength || rows.D0 > int.MaxValue || rows.D1 > int.MaxValue)
        {
            return null;
        }

        // The gemmas scale what they look up, not what they are given.
        float scale = info.Architecture!.StartsWith("gemma", StringComparison.Ordinal) ? MathF.Sqrt(rows.D0) : 1;
        var output = new TiedOutput(rows.Type, (int)rows.D0, (int)rows.D1, scale, default);
        return Layouts(output).Any() ? output : null;
    }

    /// <summary>The same matrix in every layout that it may have.</summary>
    public static IEnumerable<TiedOutput> Layouts(TiedOutput output) =>
        PackedLayout.Of(output.Type).Select(layout => output with { Layout = layout }).Where(o => o.IsValid);

    /// <summary>The tensor as a file would list it.</summary>
    public static GgufTensor Listed(TiedOutput output) =>
        new(TiedOutput.Name, output.Type, 2, (ulong)output.RowLength, (ulong)output.Rows, 1, 1, 0, output.Bytes);

    /// <summary>What to pack of a file, the output matrix among it; null if the backend does not pack that.</summary>
    public static IReadOnlyList<PackedTensors>? Packing(GgufFile file, TiedOutput output)
    {
        IReadOnlyList<PackedTensors> packing = RomPacking.For(file, Listed(output));
        return packing.Any(p => Regex.IsMatch(TiedOutput.Name, p.Pattern)) ? packing : null;
    }
}
