using VAI.Forge.Vocabulary;

namespace VAI.Native.Tests.Text;

/// <summary>Small vocabularies that lack what llama.cpp's tokenizers take for granted.</summary>
internal static class KillerVocabularies
{
    private static readonly string[] Roles = ["unknown", "bos", "cls", "eos", "seperator", "padding"];

    public static string Forge(TokenizerModels models, string model, string without)
    {
        var vocabulary = new GeneratedVocabulary(model, 300);
        string[] tokens = ["<unk>", "<s>", "</s>", "<pad>", "a", "b", "\u65e5"];
        for (int i = 0; i < tokens.Length; i++)
            vocabulary.AddScored(tokens[i], -i, i == 0 ? TokenType.Unknown : i < 4 ? TokenType.Control : TokenType.Normal);
        if (model == "bert" && without == "byte")
            vocabulary.AddScored("<0x41>", 0, TokenType.Byte);
        if (without == "long")
            vocabulary.AddScored("c", 0);
        if (without == "long")
            vocabulary.AddScored(new string('l', 1025), 0);
        if (model == "rwkv")
            vocabulary.AddScored("\\n", 0);
        if (model == "rwkv" && without == "bytes")
            vocabulary.AddScored("\\xe4\\xb8", 0);
        if (model == "t5" && without == "unknown")
            vocabulary = Two(model);
        foreach (string role in Roles.Where(role => role != without && !(role == "cls" && without == "bos") && !(role == "unknown" && model == "t5" && without == "unknown")))
            vocabulary.SetRole(role, role switch { "unknown" => 0, "eos" or "seperator" => vocabulary.Size > 2 ? 2 : 0, "padding" => 0, _ => 1 });
        if (without is "bos" or "seperator")
        {
            // The default is to add it, and a file that says so must name it.
            vocabulary.Set($"tokenizer.ggml.add_{(without == "bos" ? "bos" : "sep")}_token", false);
        }

        return models.Forge($"killer-{model}-{without}", vocabulary);
    }

    private static GeneratedVocabulary Two(string model)
    {
        var vocabulary = new GeneratedVocabulary(model, 2);
        vocabulary.AddScored("a", 0);
        vocabulary.AddScored("b", 0);
        return vocabulary;
    }
}
