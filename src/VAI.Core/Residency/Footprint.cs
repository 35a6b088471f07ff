using VAI.Native.Abi;
using VAI.Native.Gguf;
using VAI.Native.Llama;

namespace VAI.Residency;

/// <summary>A context's memory in the terms of the public API.</summary>
internal static class Footprint
{
    /// <summary>What a context that was made has allocated.</summary>
    /// <param name="resolved">The model's options.</param>
    /// <param name="context">The context.</param>
    /// <param name="contexts">How many there are, all alike.</param>
    /// <param name="romBytes">The model's ROM.</param>
    /// <returns>Null where llama.cpp's log did not tell.</returns>
    public static ModelMemory? Measured(ModelOptions resolved, LlamaContext context, int contexts, long romBytes)
    {
        ContextMemory m = context.Memory;
        if (m.Compute.Count == 0 || (context.HasMemory && m.Allocated.Count == 0))
            return null;
        return Of(resolved, context, romBytes, contexts * m.OutputBytes, Devices(m.Compute, m.Allocated, context.Places.Buffers, contexts));
    }

    /// <summary>What a context of a model without memory would allocate.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.NativeFailure"/>: llama.cpp's log did not tell.</exception>
    /// <param name="resolved">The model's options.</param>
    /// <param name="context">The context.</param>
    /// <param name="file">The model.</param>
    /// <param name="settings">Where its weights go.</param>
    /// <param name="embedding">Whether it makes embeddings.</param>
    /// <param name="romBytes">Its ROM.</param>
    public static ModelMemory Planned(
        ModelOptions resolved, LlamaContext context, GgufFile file, LlamaModelSettings settings, bool embedding, long romBytes)
    {
        ContextMemory m = context.Memory;
        if (m.Compute.Count == 0 || (context.HasMemory && m.Caches.Count == 0 && m.StateBytes == 0))
        {
            throw new VaiEngineException(
                VaiError.NativeFailure,
                $"llama.cpp {NativeLoader.EnsureLoaded().Version} does not say what a context takes, or not in words VAI knows. Use a build VAI knows.");
        }

        int contexts = 1 + ContextsOfTexts(resolved, context, embedding);
        IReadOnlyDictionary<string, long> weights = settings.UsesGpu ? PlannedWeights.Of(file, context.Places, settings.Devices) : new Dictionary<string, long>();
        DeviceMemory[] devices = Devices(m.Compute, Kv(context, GgufModelInfo.From(file)), weights, contexts);
        return Of(resolved, context, romBytes, contexts * Output(context, embedding), [.. devices.Select(d => d with { StagingBytes = Staging(d, file, settings) })]);
    }

    /// <summary>How many more contexts like this one an encoder has: <see cref="Geometry.CoresOfTexts"/>.</summary>
    public static int ContextsOfTexts(ModelOptions resolved, LlamaContext context, bool embedding) =>
        embedding && !resolved.WantsGpu
            ? Geometry.CoresOfTexts(context.Memory.Compute.Values.Sum() + Output(context, embedding), context.Settings.Threads)
            : 0;

    // An encoder gives an output for every token of its text, of both kinds; a decoder one for each session.
    private static long Output(LlamaContext context, bool embedding)
    {
        LlamaContextSettings s = context.Settings;
        long row = sizeof(float) * ((long)context.Vocabulary + (embedding ? context.EmbeddingLength : 0));
        long created = Refine(context.Memory.OutputBytes, row * s.Sequences);
        return embedding ? created / s.Sequences * s.BatchSize : created;
    }

    private static Dictionary<string, long> Kv(LlamaContext context, GgufModelInfo header)
    {
        // Where layers differ the product is not what llama.cpp logs, and that counts.
        (long keyLength, long valueLength) = KvRow(header);
        long keys = RowBytes(context.Settings.TypeK, keyLength);
        long values = RowBytes(context.Settings.TypeV, valueLength);
        var kv = new Dictionary<string, long>();
        foreach (KvCacheLine cache in context.Memory.Caches)
        {
            long rows = cache.Cells * cache.Layers * cache.Streams;
            Spread(kv, cache.LayersOf, Refine(cache.KeyBytes, rows * keys) + Refine(cache.ValueBytes, rows * values));
        }

        if (context.Memory.StateBytes > 0)
            Spread(kv, new Dictionary<string, int>(), context.Memory.StateBytes);
        return kv;
    }

    /// <summary>Refuses a bank that a GPU does not take: llama.cpp would end the process.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/>.</exception>
    public static void CheckKv(ModelOptions resolved, LlamaContextSettings geometry, GgufModelInfo header, LlamaModelSettings settings)
    {
        if (!settings.UsesGpu)
            return;
        (long keys, long values) = KvRow(header);
        foreach (NativeDevice device in settings.Devices)
        {
            if (Takes(geometry.TypeK, keys) && Takes(geometry.TypeV, values))
                continue;
            throw new VaiEngineException(
                VaiError.OutOfMemory,
                $"'{resolved.Name}' is to have {geometry.Cells} cells of SRAM, and {device.Name} does not take a layer's in one piece. Give it less SRAM, or fewer layers of a GPU.");

            bool Takes(int type, long elements) => elements == 0 || TensorProbe.CanHold(device.Handle, (GgmlType)type, elements, geometry.Cells);
        }
    }

    // Elements of a cell's keys and values, in the layer that has most.
    private static (long Keys, long Values) KvRow(GgufModelInfo header)
    {
        long heads = header.KvHeads?.Max() ?? header.Heads?.Max() ?? 0;
        long width = (header.EmbeddingLength ?? 0) / Math.Max(1, header.Heads?.Max() ?? 1);
        return (heads * (header.KeyLength ?? width), heads * (header.ValueLength ?? width));
    }

    // By layers; what does not divide goes to the last.
    private static void Spread(Dictionary<string, long> to, IReadOnlyDictionary<string, int> layersOf, long bytes)
    {
        (string Device, int Layers)[] parts = layersOf.Count > 0 ? [.. layersOf.Select(p => (p.Key, p.Value))] : [("CPU", 1)];
        long all = parts.Sum(p => p.Layers), left = bytes;
        for (int i = 0; i < parts.Length; i++)
        {
            long part = i == parts.Length - 1 ? left : bytes / all * parts[i].Layers;
            to[parts[i].Device] = to.GetValueOrDefault(parts[i].Device) + part;
            left -= part;
        }
    }

    private static long Refine(long logged, long exact) => Math.Abs(logged - exact) <= ContextMemory.Resolution ? exact : logged;

    private static long RowBytes(int type, long elements) =>
        GgmlTypes.TryGetBlock((uint)type, out uint block, out uint bytes) ? elements / block * bytes : 0;

    // Weights that are not a GPU's are the ROM's, or the mapped file's.
    private static DeviceMemory[] Devices(
        IReadOnlyDictionary<string, long> compute, IReadOnlyDictionary<string, long> kv, IReadOnlyDictionary<string, long> weights, int contexts)
    {
        HashSet<string> gpus = [.. NativeLoader.EnsureLoaded().Gpus.Select(d => d.Name)];
        return [.. kv.Keys.Union(compute.Keys).Union(weights.Keys.Where(gpus.Contains)).Order(StringComparer.Ordinal).Select(name => new DeviceMemory(
            name,
            !gpus.Contains(name),
            kv.GetValueOrDefault(name),
            contexts * compute.GetValueOrDefault(name),
            gpus.Contains(name) ? weights.GetValueOrDefault(name) : 0))];
    }

    // ggml's Vulkan copies a tensor as a whole to where the GPU can fetch it, and keeps that memory.
    private static long Staging(DeviceMemory device, GgufFile file, LlamaModelSettings settings) =>
        device.WeightBytes > 0 && settings.Devices.Any(d => d is { Backend: "Vulkan", Kind: NativeDeviceKind.Gpu } && d.Name == device.Device)
            ? PlannedWeights.Largest(file) : 0;

    private static ModelMemory Of(ModelOptions resolved, LlamaContext context, long romBytes, long outputBytes, DeviceMemory[] devices) => new()
    {
        RomBytes = romBytes,
        KvBytes = devices.Sum(d => d.KvBytes),
        ScratchBytes = devices.Sum(d => d.ScratchBytes),
        OutputBytes = outputBytes,
        Devices = devices,
        ContextLength = resolved.ContextLength!.Value,
        SramTokens = context.HasMemory ? resolved.SramTokens!.Value : 0,
        Sessions = context.HasMemory ? context.Settings.MaxSequences : Geometry.Texts,
        Cells = context.HasMemory ? context.Cells : 0,
        StepRows = context.Settings.BatchSize,
    };
}
