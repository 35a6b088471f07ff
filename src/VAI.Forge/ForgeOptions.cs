namespace VAI.Forge;

/// <summary>What can be chosen when a model is forged.</summary>
public sealed class ForgeOptions
{
    /// <summary>The weights follow from this and the shape alone; any value. Default 1.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>How matrices are stored; null for the shape's own <see cref="ForgeShape.DefaultType"/>.</summary>
    public ForgeType? Type { get; init; }

    /// <summary>
    /// A GGUF file whose tokenizer (all <c>tokenizer.*</c> metadata) is copied verbatim; the vocabulary size follows it.
    /// Null for a generated vocabulary.
    /// </summary>
    public string? VocabularyFile { get; init; }

    /// <summary>Whether an existing output file is replaced; otherwise it is an error. Default false.</summary>
    public bool Overwrite { get; init; }

    /// <summary>
    /// Files to write the model into, as llama.cpp's gguf-split does: <c>NAME-00001-of-00003.gguf</c> and so on; 1 to 512, and no
    /// more than it has tensors. The weights do not depend on it. Default 1.
    /// </summary>
    public int Parts { get; init; } = 1;

    /// <summary>Threads that fill weights, 1 or more; null for one per core. The bytes do not depend on it.</summary>
    public int? Threads { get; init; }
}
