namespace VAI.Forge;

/// <summary>A reciter that was forged.</summary>
public sealed class ReciterResult
{
    internal ReciterResult()
    {
    }

    /// <summary>Full path of the file.</summary>
    public required string File { get; init; }

    /// <summary>Its size in bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>Number of tokens in the vocabulary.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The tokens of each script in order, without the one that ends it.</summary>
    public required IReadOnlyList<IReadOnlyList<int>> Scripts { get; init; }
}
