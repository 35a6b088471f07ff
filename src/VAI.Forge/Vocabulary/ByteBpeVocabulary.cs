namespace VAI.Forge.Vocabulary;

/// <summary>
/// Byte-level BPE (<c>tokenizer.ggml.model</c> "gpt2"): a character for each of the 256 bytes, then one token per merge, then
/// special tokens. Bytes that do not print are spelt with characters from U+0100 on, as GPT-2 does.
/// </summary>
internal static class ByteBpeVocabulary
{
    private static readonly string[] Spelling = SpellBytes();

    /// <param name="size">Number of tokens.</param>
    /// <param name="firstSpecial">Where the special tokens begin; null to put them last.</param>
    public static GeneratedVocabulary Qwen(int size, int? firstSpecial = null)
    {
        string[] specials = ["<|endoftext|>", ChatTemplates.Start, ChatTemplates.End];
        int first = firstSpecial ?? size - specials.Length;
        GeneratedVocabulary vocabulary = Build("qwen2", size, first, specials);
        vocabulary.SetRole("bos", first);
        vocabulary.SetRole("padding", first);
        vocabulary.SetRole("eos", first + 2);
        vocabulary.Set("tokenizer.ggml.add_bos_token", false);
        vocabulary.Set("tokenizer.chat_template", ChatTemplates.ChatMl);
        return vocabulary;
    }

    public static GeneratedVocabulary DeepSeekCoder(int size)
    {
        const int first = 32013;
        string[] specials =
        [
            "<\uff5cbegin\u2581of\u2581sentence\uff5c>", "<\uff5cend\u2581of\u2581sentence\uff5c>",
            "<\uff5cfim\u2581hole\uff5c>", "<\uff5cfim\u2581begin\uff5c>", "<\uff5cfim\u2581end\uff5c>", "<|EOT|>",
        ];
        GeneratedVocabulary vocabulary = Build("deepseek-coder", size, first, specials);
        vocabulary.SetRole("bos", first);
        vocabulary.SetRole("padding", first + 1);
        vocabulary.SetRole("eos", first + specials.Length - 1);
        vocabulary.Set("tokenizer.ggml.add_bos_token", true);
        vocabulary.Set("tokenizer.chat_template", ChatTemplates.DeepSeekCoder);
        return vocabulary;
    }

    private static GeneratedVocabulary Build(string splitter, int size, int firstSpecial, string[] specials)
    {
        var vocabulary = new GeneratedVocabulary("gpt2", size);
        vocabulary.Set("tokenizer.ggml.pre", splitter);
        foreach (string spelling in Spelling)
            vocabulary.Add(spelling);
        foreach (Piece piece in PieceFactory.Pieces().Take(firstSpecial - Spelling.Length))
        {
            string left = Spelt(piece.Left);
            string right = Spelt(piece.Right);
            vocabulary.Add(left + right);
            vocabulary.AddMerge(left, right);
        }

        foreach (string special in specials)
            vocabulary.Add(special, TokenType.Control);
        while (vocabulary.Size < size)
            vocabulary.Add($"[PAD{vocabulary.Size}]", TokenType.Unused);
        return vocabulary;
    }

    /// <summary>How a byte is written.</summary>
    public static string SpellingOf(byte value) => Spelling[value];

    private static string Spelt(string ascii) => ascii.Replace(" ", Spelling[' '], StringComparison.Ordinal);

    private static string[] SpellBytes()
    {
        string[] spelling = new string[256];
        int next = 0x100;
        for (int value = 0; value < spelling.Length; value++)
        {
            bool prints = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            spelling[value] = ((char)(prints ? value : next++)).ToString();
        }

        return spelling;
    }
}
