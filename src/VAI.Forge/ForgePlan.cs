using VAI.Forge.Gguf;
using VAI.Forge.Shapes;
using VAI.Forge.Vocabulary;
using VAI.Forge.Weights;
using VAI.Native.Source;

namespace VAI.Forge;

/// <summary>One of the files to write.</summary>
/// <param name="Header">The bytes before the weights.</param>
/// <param name="Bytes">Length of the file.</param>
internal sealed record PlannedFile(byte[] Header, long Bytes);

/// <summary>Everything about a model except its weights: the bytes before them, and where each tensor goes.</summary>
internal sealed class ForgePlan
{
    private ForgePlan(IReadOnlyList<PlannedFile> files, IReadOnlyList<PlacedTensor> tensors, ModelVocabulary vocabulary)
    {
        Files = files;
        Tensors = tensors;
        Vocabulary = vocabulary;
    }

    public IReadOnlyList<PlannedFile> Files { get; }

    public IReadOnlyList<PlacedTensor> Tensors { get; }

    public ModelVocabulary Vocabulary { get; }

    public long TotalBytes => Files.Sum(f => f.Bytes);

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: more parts than tensors.</exception>
    public static ForgePlan Create(NamedShape shape, ForgeType type, ulong seed, ModelVocabulary vocabulary, int parts)
    {
        IReadOnlyList<TensorSpec> specs = Specs(shape, type, vocabulary.Size);
        if (parts > specs.Count)
            throw new VaiUsageException(VaiError.InvalidOption, $"{shape.Name} has {specs.Count} tensors and cannot be written in {parts} parts.");
        var files = new List<PlannedFile>();
        var tensors = new List<PlacedTensor>();
        int[] ends = Ends(specs, parts);
        for (int part = 0; part < parts; part++)
        {
            var writer = new GgufWriter();
            if (part == 0)
            {
                AddGeneral(writer, shape, type, seed);
                shape.Family.AddMetadata(writer);
                writer.Add($"{shape.Family.Architecture}.vocab_size", (uint)vocabulary.Size);
                vocabulary.AddMetadata(writer);
            }

            // The types are gguf-split's, and llama.cpp takes no others.
            if (parts > 1)
            {
                writer.Add(GgufSplit.NumberKey, (ushort)part);
                writer.Add(GgufSplit.CountKey, (ushort)parts);
                writer.Add(GgufSplit.TensorsKey, specs.Count);
            }

            TensorSpec[] own = [.. specs.Take(ends[part]).Skip(part == 0 ? 0 : ends[part - 1])];
            long[] offsets = [.. own.Select(spec => writer.AddTensor(spec.Name, spec.Type, spec.Dimensions))];
            byte[] header = writer.BuildHeader();
            tensors.AddRange(own.Zip(offsets, (spec, offset) => new PlacedTensor(spec, part, header.Length + offset)));
            files.Add(new PlannedFile(header, header.Length + writer.DataBytes));
        }

        return new ForgePlan(files, tensors, vocabulary);
    }

    // About the same bytes in each part, and at least one tensor.
    private static int[] Ends(IReadOnlyList<TensorSpec> specs, int parts)
    {
        long all = specs.Sum(s => s.Bytes), sum = 0;
        int[] ends = new int[parts];
        int next = 0;
        for (int part = 0; part < parts; part++)
        {
            int most = specs.Count - (parts - 1 - part);
            do
                sum += specs[next++].Bytes;
            while (next < most && sum + (specs[next].Bytes / 2) < (double)all * (part + 1) / parts);
            ends[part] = next;
        }

        ends[^1] = specs.Count;
        return ends;
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
