using VAI.Native.Gguf;
using VAI.Native.Llama;
using VAI.Native.Memory;
using VAI.Native.Rom;
using VAI.Native.Source;

namespace VAI.Residency;

/// <summary>
/// Refuses a load that cannot fit into the memory this process may have, which would otherwise end it. What fits easily is not
/// planned: that takes as long as reading the vocabulary once more.
/// </summary>
internal static class MemoryCheck
{
    private const long Ease = 512L << 20;

    // What no process with a model stays below by itself.
    private const long LeastProcessBytes = 40L << 20;

    /// <summary>Before a model is burned: its image, where that is in memory, and its SRAM.</summary>
    /// <exception cref="VaiUsageException">The options do not suit the model.</exception>
    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/>.</exception>
    public static void Burn(ModelOptions options, ModelSource source, LlamaModelSettings settings, int threads, bool takesMemory)
    {
        var info = ModelInfo.From(source.Header);
        ModelOptions resolved = Geometry.Resolve(options, info, threads);
        (long image, bool packed) = RomSize.Of(source, RomLoader.BurnProfile(settings));
        Check(resolved, info, settings, threads, packed, takesMemory ? image : 0, 0, () => source.Header);
    }

    /// <summary>Before SRAM is given to weights that are there.</summary>
    /// <param name="resolved">The model's options.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="settings">How it is loaded.</param>
    /// <param name="threads">That compute.</param>
    /// <param name="claimed">Bytes that others may still take.</param>
    /// <returns>Bytes that it may take, at most.</returns>
    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/>.</exception>
    public static long Sram(ModelOptions resolved, Weights weights, LlamaModelSettings settings, int threads, long claimed)
    {
        ModelSource? source = null;
        GgufFile? metadata = null;
        try
        {
            bool packed = weights.Hold?.File.Header.Weights == RomWeights.Packed;
            return Check(resolved, weights.Info, settings, threads, packed, 0, claimed, () => weights.Hold is { } hold
                ? metadata = hold.File.ParseMetadata() : (source = ModelSource.Open(resolved.File)).Header);
        }
        finally
        {
            source?.Dispose();
            metadata?.Dispose();
        }
    }

    private static long Check(
        ModelOptions resolved, ModelInfo info, LlamaModelSettings settings, int threads, bool packed, long image, long claimed, Func<GgufFile> header)
    {
        MemoryRoom room = MemoryRoom.Read();
        LlamaContextSettings geometry = Geometry.Of(resolved, info, threads);
        double most = image + Most(info, geometry, room.Total);
        if (most + claimed <= room.Most)
            return (long)(most - Ease);
        ModelMemory planned;
        try
        {
            planned = Planner.Measure(header(), resolved, info, settings, threads, packed, image);
        }
        catch (VaiException e) when (e.Code is VaiError.NativeFailure or VaiError.ModelRejected)
        {
            // Whatever it is, the load itself says it better.
            return 0;
        }

        long process = image > 0 ? MemoryRoom.VocabularyBytes(info.VocabularySize) + Math.Max(0, LeastProcessBytes - MemoryRoom.OwnBytes()) : 0;
        long bytes = image + Planner.HostBytes(planned) + process;
        (room with { Most = Math.Max(0, room.Most - claimed) }).Require(
            bytes,
            $"Loading '{resolved.Name}' with {geometry.Cells} cells of SRAM{(image > 0 ? " and its ROM" : "")}",
            "give the model a smaller context or less SRAM (vai plan says what each takes)");
        return bytes;
    }

    // More than any model takes of KV, outputs and scratch; never what refuses one.
    private static double Most(ModelInfo info, LlamaContextSettings g, long total)
    {
        double embedding = Math.Max(info.EmbeddingLength, 256.0 * Math.Max(1, info.Heads)), cells = g.Cells, rows = g.BatchSize;
        return Ease + (info.IsEmbedding ? Geometry.MostOfTexts(total) : 0)
            + (8 * cells * info.Layers * embedding)
            + (rows * (8.0 * info.VocabularySize + 128 * embedding + (8 * cells * Math.Max(1, info.Heads))));
    }
}
