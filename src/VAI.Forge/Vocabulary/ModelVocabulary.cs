using VAI.Forge.Gguf;

namespace VAI.Forge.Vocabulary;

/// <summary>The tokenizer of a model, ready to be written.</summary>
internal abstract class ModelVocabulary
{
    /// <summary>Number of tokens.</summary>
    public abstract int Size { get; }

    /// <summary>Control and unused tokens: generation should not run into them by accident.</summary>
    public abstract IReadOnlyList<int> QuietTokens { get; }

    /// <summary>Writes all <c>tokenizer.*</c> metadata.</summary>
    public abstract void AddMetadata(GgufWriter writer);

    /// <summary>Whether tokens of that type belong to <see cref="QuietTokens"/>.</summary>
    public static bool IsQuiet(TokenType type) => type is TokenType.Unknown or TokenType.Control or TokenType.Unused;
}

/// <summary>Token types, with the numbers GGUF gives them (llama.h, <c>enum llama_token_type</c>).</summary>
internal enum TokenType
{
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}
