using VAI.Forge.Gguf;
using VAI.Forge.Shapes;
using VAI.Forge.Vocabulary;
using VAI.Forge.Weights;

namespace VAI.Forge;

/// <summary>Everything about a file except its weights: the bytes before them, and where each tensor goes.</summary>
internal sealed class ForgePlan
{
    private ForgePlan(byte[] header, IReadOnlyList<PlacedTensor> tensors, ModelVocabulary vocabulary, long totalBytes)
    {
        Header = header;
        Tensors = tensors;
        Vocabulary = vocabulary;
        TotalBytes = totalBytes;
    }

    public byte[] Header { get; }

    public IReadOnlyList<PlacedTensor> Tensors { get; }

    public ModelVocabulary Vocabulary { get; }

    public long TotalBytes { get; }

    public static ForgePlan Create(NamedShape shape, ForgeType type, ulong seed, ModelVocabulary vocabulary)
    {
        var writer = new GgufWriter();
        AddGeneral(writer, shape, type, seed);
        shape.Family.AddMetadata(writer);
        writer.Add($"{shape.Family.Architecture}.vocab_size", (uint)vocabulary.Size);
        vocabulary.AddMetadata(writer);

        IReadOnlyList<TensorSpec> specs = Specs(shape, type, vocabulary.Size);
        long[] offsets = [.. specs.Select(spec => writer.AddTensor(spec.Name, spec.Type, spec.Dimensions))];
        byte[] header = writer.BuildHeader();
        PlacedTensor[] tensors = [.. specs.Zip(offsets, (spec, offset) => new PlacedTensor(spec, header.Length + offset))];
        return new ForgePlan(header, tensors, vocabulary, header.Length + writer.DataBytes);
    }

    /// <summary>Size of the file without making its vocabulary, within a percent or so.</summary>
    public static long Estimate(NamedShape shape)
    {
        // Spelling, length, type and either a merge or a score; measured on the generated vocabularies.
        const int bytesPerToken = 40;
        int tokens = shape.Vocabulary.Size;
        return Specs(shape, shape.DefaultType, tokens).Sum(spec => spec.Bytes) + ((long)tokens * bytesPerToken);
    }

    private static IReadOnlyList<TensorSpec> Specs(NamedShape shape, ForgeType type, int tokens)
    {
        var tensors = new TensorList(type);
        shape.Family.AddTensors(tensors, tokens);
        return tensors.All;
    }

    private static void AddGeneral(GgufWriter writer, NamedShape shape, ForgeType type, ulong seed)
    {
        writer.Add("general.architecture", shape.Family.Architecture);
        writer.Add("general.name", $"forged {shape.Name}");
        writer.Add("general.description", "random weights");
        writer.Add("general.quantization_version", 2u);
        // llama.h, enum llama_ftype.
        writer.Add("general.file_type", type switch
        {
            ForgeType.F16 => 1u,
            ForgeType.Q4_0 => 2u,
            ForgeType.Q8_0 => 7u,
            _ => 14u,
        });
        writer.Add("vai.forge.shape", shape.Name);
        writer.Add("vai.forge.seed", seed);
    }
}
