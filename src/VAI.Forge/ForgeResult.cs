namespace VAI.Forge;

/// <summary>What was forged.</summary>
public sealed class ForgeResult
{
    internal ForgeResult()
    {
    }

    /// <summary>Full path of the file; of the first where it is in parts.</summary>
    public required string File { get; init; }

    /// <summary>Name of the shape (never an alias).</summary>
    public required string Shape { get; init; }

    /// <summary>How the matrices are stored.</summary>
    public required ForgeType Type { get; init; }

    /// <summary>Size of the file, or of all of them, in bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>Number of weights in all tensors.</summary>
    public required long Parameters { get; init; }

    /// <summary>Number of tensors.</summary>
    public required int Tensors { get; init; }

    /// <summary>Number of tokens in the vocabulary.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Wall-clock time from the call to the finished file.</summary>
    public required TimeSpan Elapsed { get; init; }
}
