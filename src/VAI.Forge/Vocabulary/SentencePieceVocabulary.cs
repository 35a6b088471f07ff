namespace VAI.Forge.Vocabulary;

/// <summary>
/// SentencePiece as llama.cpp reads it (<c>tokenizer.ggml.model</c> "llama"): control tokens, 256 byte tokens, then pieces,
/// the better the score the earlier they join. Spaces are spelt U+2581.
/// </summary>
internal static class SentencePieceVocabulary
{
    public static GeneratedVocabulary Llama(int size)
    {
        var vocabulary = new GeneratedVocabulary("llama", size);
        int unknown = vocabulary.AddScored("<unk>", 0, TokenType.Unknown);
        int begin = vocabulary.AddScored("<s>", 0, TokenType.Control);
        int end = vocabulary.AddScored("</s>", 0, TokenType.Control);
        AddBytesAndPieces(vocabulary, size - 2);
        vocabulary.AddScored(ChatTemplates.Start, 0, TokenType.Control);
        int turn = vocabulary.AddScored(ChatTemplates.End, 0, TokenType.Control);
        SetRoles(vocabulary, unknown, begin, end, turn);
        vocabulary.Set("tokenizer.ggml.add_space_prefix", true);
        vocabulary.Set("tokenizer.chat_template", ChatTemplates.ChatMl);
        return vocabulary;
    }

    public static GeneratedVocabulary Gemma(int size)
    {
        var vocabulary = new GeneratedVocabulary("llama", size);
        int padding = vocabulary.AddScored("<pad>", 0, TokenType.Control);
        int end = vocabulary.AddScored("<eos>", 0, TokenType.Control);
        int begin = vocabulary.AddScored("<bos>", 0, TokenType.Control);
        int unknown = vocabulary.AddScored("<unk>", 0, TokenType.Unknown);
        vocabulary.AddScored("<start_of_turn>", 0, TokenType.Control);
        int turn = vocabulary.AddScored("<end_of_turn>", 0, TokenType.Control);
        AddBytesAndPieces(vocabulary, size);
        SetRoles(vocabulary, unknown, begin, end, turn);
        vocabulary.SetRole("padding", padding);
        vocabulary.Set("tokenizer.ggml.add_space_prefix", false);
        vocabulary.Set("tokenizer.chat_template", ChatTemplates.Gemma);
        return vocabulary;
    }

    private static void AddBytesAndPieces(GeneratedVocabulary vocabulary, int size)
    {
        for (int value = 0; value < 256; value++)
            vocabulary.AddScored($"<0x{value:X2}>", 0, TokenType.Byte);

        int rank = 0;
        foreach (Piece piece in PieceFactory.Pieces().Take(size - vocabulary.Size - Characters().Count()))
            vocabulary.AddScored(Spelt(piece.Text), -rank++);
        foreach (char character in Characters())
            vocabulary.AddScored(Spelt(character.ToString()), -rank++);
    }

    private static IEnumerable<char> Characters() => Enumerable.Range(' ', '~' - ' ' + 1).Select(code => (char)code);

    private static string Spelt(string text) => text.Replace(' ', '\u2581');

    private static void SetRoles(GeneratedVocabulary vocabulary, int unknown, int begin, int end, int turn)
    {
        vocabulary.SetRole("bos", begin);
        vocabulary.SetRole("eos", end);
        vocabulary.SetRole("eot", turn);
        vocabulary.SetRole("unknown", unknown);
        vocabulary.Set("tokenizer.ggml.add_bos_token", true);
        vocabulary.Set("tokenizer.ggml.add_eos_token", false);
    }
}
