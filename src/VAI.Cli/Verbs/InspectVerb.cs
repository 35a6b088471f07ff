namespace VAI.Cli.Verbs;

internal static class InspectVerb
{
    private static readonly Argument<string> File = Common.File("FILE", "The GGUF file.");

    public static Command Create()
    {
        var command = new Command("inspect", "Say what a GGUF file holds, without loading it.") { File };
        command.Does((parsed, _) =>
        {
            ModelInfo m = Vai.Inspect(parsed.GetRequiredValue(File));
            return Task.FromResult(Documents.Answer(parsed, Document(m), Documents.Default.InspectDocument, _ => Print(m)));
        });
        return command;
    }

    private static InspectDocument Document(ModelInfo m) => new(
        m.File, m.Title, m.Architecture, m.Layers, m.EmbeddingLength, m.Heads, m.KvHeads, m.VocabularySize, m.Tokenizer,
        m.TrainingContextLength, m.Tensors, m.FileBytes, m.Parameters,
        [.. m.WeightTypes.Select(t => new WeightTypeBody(t.Name, t.Tensors, t.Bytes))]);

    private static void Print(ModelInfo m) => Format.Rows(
        ("file", m.File),
        ("title", m.Title),
        ("architecture", m.Architecture),
        ("layers", m.Layers),
        ("embedding", m.EmbeddingLength),
        ("heads", m.Heads),
        ("kv heads", m.KvHeads),
        ("vocabulary", $"{m.VocabularySize} ({m.Tokenizer ?? "no tokenizer"})"),
        ("context", m.TrainingContextLength),
        ("experts", m.Experts > 0 ? $"{m.ExpertsUsed} of {m.Experts}" : null),
        ("tensors", m.Tensors),
        ("bytes", $"{m.FileBytes} ({Format.Bytes(m.FileBytes)})"),
        ("parameters", $"{m.Parameters} ({m.Parameters / 1e6:F1} million)"),
        ("weight types", string.Join(", ", m.WeightTypes.Select(t => $"{t.Name} {Format.Bytes(t.Bytes)}"))));
}
