using VAI.Native.Llama;
using VAI.Native.Memory;

namespace VAI.Native.Rom;

/// <summary>A model whose weights are an image's.</summary>
/// <param name="Model">The model. Its disposal gives the image back.</param>
/// <param name="Mapping">Where its tensors are; null where llama.cpp mapped the image itself.</param>
internal sealed record AttachedModel(LlamaModel Model, RomMapping? Mapping);

/// <summary>From an image to a model, without reading or copying the weights.</summary>
internal static unsafe class RomAttacher
{
    /// <summary>Attaches.</summary>
    /// <param name="rom">The image; not needed afterwards.</param>
    /// <param name="settings">Where the weights go; a GPU takes plain images only.</param>
    /// <param name="progress">Called with 0 to 1.</param>
    /// <param name="cancellationToken">Stops an upload to a GPU at its next step.</param>
    /// <exception cref="VaiEngineException">
    /// <see cref="VaiError.RomMismatch"/>: another build or CPU; <see cref="VaiError.RomDamaged"/>: the metadata.
    /// </exception>
    /// <exception cref="VaiModelException"><see cref="VaiError.ModelRejected"/>.</exception>
    public static AttachedModel Attach(
        RomFile rom, LlamaModelSettings settings, Action<float>? progress = null, CancellationToken cancellationToken = default)
    {
        rom.CheckBuild();
        RomHeader header = rom.Header;
        using MappedRange metadata = rom.MapMetadata();
        if (header.Weights == RomWeights.Plain)
        {
            var mapped = ModelLoad.FromFileAt(rom.Handle, RomLayout.Page, rom.Path, settings, progress, cancellationToken);
            NativeHeap.TrimLater();
            return new AttachedModel(mapped, null);
        }

        IReadOnlyList<PackedTensors> packing = RomPacking.Find(header.Packing)
            ?? throw Mismatch(rom, "this process's CPU kernels have no such layout");
        var places = new RomPlaces();
        var mapping = new RomMapping();
        var tensors = new List<LlamaTensor>();
        TiedOutput? tied = header.Tied;
        LlamaTensor? output = null;
        LlamaModel model = ModelLoad.FromMetadata(
            metadata.Slice(0, (int)metadata.Length),
            rom.Path,
            packing,
            Visit,
            () => mapping.Move(rom, Sections(rom, places, tensors)),
            mapping,
            tied);
        if (tied is not null)
            model.Rows = Rows(rom, tied, output is { } matrix ? matrix.Data : null, model);
        mapping.Prefault();
        NativeHeap.TrimLater();
        progress?.Invoke(1);
        return new AttachedModel(model, mapping);

        void Visit(LlamaTensor tensor)
        {
            places.Add(tensor);
            tensors.Add(tensor);
            if (tied?.Bytes == tensor.Bytes && tensor.Name == TiedOutput.Name)
                output = tensor;
        }
    }

    private static EmbeddingRows Rows(RomFile rom, TiedOutput tied, byte* output, LlamaModel model)
    {
        try
        {
            return output is not null && (tied.RowLength, tied.Rows) == (model.EmbeddingLength, model.Vocab.Count)
                ? new EmbeddingRows(tied, output) : throw Mismatch(rom, "its token embeddings are not those of its output matrix");
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    // Each tensor with the section that its buffer is.
    private static List<(LlamaTensor Tensor, RomSection Section)> Sections(RomFile rom, RomPlaces places, List<LlamaTensor> tensors)
    {
        RomHeader header = rom.Header;
        if (!places.Digest.AsSpan().SequenceEqual(header.Places) || places.Buffers.Count != header.Sections.Count)
            throw Mismatch(rom, "llama.cpp lays its tensors out otherwise than when it was burned");
        var sections = new Dictionary<LlamaBuffer, RomSection>();
        foreach (LlamaBuffer buffer in places.Buffers)
        {
            sections[buffer] = header.Sections.FirstOrDefault(s => s.BufferType == buffer.Type && s.Bytes == buffer.Length)
                ?? throw Mismatch(rom, $"it has no section for llama.cpp's buffer {buffer.Type} of {buffer.Length} bytes");
        }

        return [.. tensors.Select(t => (t, sections[t.Buffer]))];
    }

    private static VaiEngineException Mismatch(RomFile rom, string what) => new(
        VaiError.RomMismatch, $"{rom.Path}: '{rom.Header.Name}' cannot be attached: {what}. Burn it again.");
}
