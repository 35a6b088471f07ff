using VAI.Forge.Gguf;
using VAI.Forge.Vocabulary;

namespace VAI.Forge.Shapes;

/// <summary>One architecture at one size: what llama.cpp wants to read of it, and its tensors.</summary>
internal abstract class ModelFamily
{
    /// <summary>The value of <c>general.architecture</c> and the prefix of the architecture's own keys.</summary>
    public abstract string Architecture { get; }

    public required int Layers { get; init; }

    public required int Width { get; init; }

    public required int FeedForward { get; init; }

    public required int Heads { get; init; }

    public required int Context { get; init; }

    public virtual void AddMetadata(GgufWriter writer)
    {
        writer.Add($"{Architecture}.context_length", (uint)Context);
        writer.Add($"{Architecture}.embedding_length", (uint)Width);
        writer.Add($"{Architecture}.block_count", (uint)Layers);
        writer.Add($"{Architecture}.feed_forward_length", (uint)FeedForward);
        writer.Add($"{Architecture}.attention.head_count", (uint)Heads);
    }

    public abstract void AddTensors(TensorList tensors, int tokens);
}

/// <summary>A shape by name: a family with its sizes, its vocabulary and its usual type.</summary>
internal sealed record NamedShape(
    string Name, string[] Aliases, string Description, ForgeType DefaultType, ModelFamily Family, VocabularyRecipe Vocabulary);
