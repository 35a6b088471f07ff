namespace VAI.Forge;

/// <summary>A shape the forge knows: what <see cref="ModelForge.ForgeAsync"/> takes by name.</summary>
public sealed class ForgeShape
{
    internal ForgeShape(string name, IReadOnlyList<string> aliases, string architecture, string description)
    {
        Name = name;
        Aliases = aliases;
        Architecture = architecture;
        Description = description;
    }

    /// <summary>The name, in lower case; names are compared without regard to case.</summary>
    public string Name { get; }

    /// <summary>Other names of the same shape; often none.</summary>
    public IReadOnlyList<string> Aliases { get; }

    /// <summary>The GGUF architecture, such as <c>llama</c> or <c>qwen2</c>.</summary>
    public string Architecture { get; }

    /// <summary>One line for people.</summary>
    public string Description { get; }

    /// <summary>How matrices are stored unless <see cref="ForgeOptions.Type"/> says otherwise.</summary>
    public required ForgeType DefaultType { get; init; }

    /// <summary>Number of tokens unless <see cref="ForgeOptions.VocabularyFile"/> says otherwise.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Size of the file in bytes with the default options, within a few percent.</summary>
    public required long ApproximateBytes { get; init; }
}
