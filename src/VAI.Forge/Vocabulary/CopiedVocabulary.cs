using System.Runtime.InteropServices;
using VAI.Forge.Gguf;
using VAI.Forge.Shapes;
using VAI.Native.Gguf;
using VAI.Native.Source;

namespace VAI.Forge.Vocabulary;

/// <summary>The tokenizer of another GGUF file, byte for byte.</summary>
internal sealed class CopiedVocabulary : ModelVocabulary
{
    private const string Prefix = "tokenizer.";

    private readonly IReadOnlyList<(string Key, byte[] TypeAndValue)> _entries;

    private CopiedVocabulary(int size, IReadOnlyList<int> quietTokens, IReadOnlyList<(string Key, byte[] TypeAndValue)> entries)
    {
        Size = size;
        QuietTokens = quietTokens;
        _entries = entries;
    }

    public override int Size { get; }

    public override IReadOnlyList<int> QuietTokens { get; }

    /// <exception cref="VaiUsageException">There is no such file.</exception>
    /// <exception cref="VaiModelException">It is damaged, or has no tokenizer.</exception>
    public static CopiedVocabulary Read(string path)
    {
        using var source = ModelSource.Open(path);
        GgufFile file = source.Header;
        if (!file.TryGet("tokenizer.ggml.model", out _)
            || !file.TryGet("tokenizer.ggml.tokens", out GgufEntry tokens)
            || tokens is not { IsArray: true, ElementType: GgufValueType.String, Count: > 0 and <= int.MaxValue })
        {
            throw new VaiModelException(
                VaiError.NoTokenizer, $"'{path}' has no tokenizer to copy. Name a GGUF file that has one.");
        }

        // The shape says how many token types its weights have.
        (string, byte[])[] entries = [.. file.Entries
            .Where(entry => entry.Key.StartsWith(Prefix, StringComparison.Ordinal) && entry.Key != BertFamily.TokenTypeCountKey)
            .Select(entry => (entry.Key, file.TypeAndValue(entry).ToArray()))];
        int size = (int)tokens.Count;
        return new CopiedVocabulary(size, Quiet(file, size), entries);
    }

    public override void AddMetadata(GgufWriter writer)
    {
        foreach ((string key, byte[] typeAndValue) in _entries)
            writer.AddVerbatim(key, typeAndValue);
    }

    private static int[] Quiet(GgufFile file, int size)
    {
        if (!file.TryGet("tokenizer.ggml.token_type", out GgufEntry types)
            || types is not { IsArray: true, ElementType: GgufValueType.Int32 } || types.Count != size)
        {
            return [];
        }

        ReadOnlySpan<int> values = MemoryMarshal.Cast<byte, int>(file.Payload(types));
        var quiet = new List<int>();
        for (int token = 0; token < size; token++)
        {
            if (ModelVocabulary.IsQuiet((TokenType)values[token]))
                quiet.Add(token);
        }

        return [.. quiet];
    }
}
