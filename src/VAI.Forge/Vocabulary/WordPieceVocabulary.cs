namespace VAI.Forge.Vocabulary;

/// <summary>
/// WordPiece (<c>tokenizer.ggml.model</c> "bert"), in lower case. GGUF turns the usual notation round: a piece that begins a
/// word carries U+2581, one that continues it carries nothing.
/// </summary>
internal static class WordPieceVocabulary
{
    private const char WordStart = '\u2581';

    public static GeneratedVocabulary Bert(int size)
    {
        var vocabulary = new GeneratedVocabulary("bert", size);
        vocabulary.SetRole("padding", vocabulary.Add("[PAD]", TokenType.Control));
        vocabulary.SetRole("unknown", vocabulary.Add("[UNK]", TokenType.Unknown));
        int begin = vocabulary.Add("[CLS]", TokenType.Control);
        int end = vocabulary.Add("[SEP]", TokenType.Control);
        vocabulary.SetRole("mask", vocabulary.Add("[MASK]", TokenType.Control));
        vocabulary.SetRole("cls", begin);
        vocabulary.SetRole("bos", begin);
        vocabulary.SetRole("eos", end);
        // The key is misspelt in GGUF itself.
        vocabulary.SetRole("seperator", end);

        foreach (char character in Characters())
        {
            vocabulary.Add($"{WordStart}{character}");
            vocabulary.Add(character.ToString());
        }

        foreach (string text in Texts().Take(size - vocabulary.Size))
            vocabulary.Add(text);
        return vocabulary;
    }

    private static IEnumerable<char> Characters() =>
        Enumerable.Range('!', '~' - '!' + 1).Select(code => (char)code).Where(character => !char.IsAsciiLetterUpper(character));

    private static IEnumerable<string> Texts() => PieceFactory.Pieces()
        .Select(piece => piece.Text)
        .Where(text => text.TrimStart(' ').Length > 1 && text.TrimStart(' ').All(char.IsAsciiLetterLower))
        .Select(text => text.Replace(' ', WordStart));
}
