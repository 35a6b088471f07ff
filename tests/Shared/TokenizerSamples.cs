using System.Text;
using VAI.Forge;
using VAI.Forge.Gguf;
using VAI.Forge.Vocabulary;

namespace VAI.Tests;

/// <summary>
/// A small vocabulary for every tokenizer that llama.cpp v0.5.0 knows, with merges in all the places where splitting or cutting a
/// text could go wrong: across spaces, newlines, digits, runs of one character, and inside of characters.
/// </summary>
internal static class TokenizerSamples
{
    private const char Space = '\u2581';

    /// <summary>Texts that become tokens, as do all their beginnings.</summary>
    private static readonly string[] Texts =
    [
        " the", " and", "ing", "tion", " module", "clk", "Hello", "HELLO", "ABC", "aaaa", "aaaaaaaa", "AAAA", "abab", "baba", "'s", "'ll", "n't",
        "12", "123", "234", "99", "000", "----", "-------", "....", "!!!!", "==", "();", ").", ",,", "\n\n", "\n\n\n\n", "\t\t", "\r\n", "  ", "    ",
        "        ", " \n", "\n ", ".\n", "a b", "e t", "d a", "\na", "x\n", "\u3042\u3042", "\u3042\u3042\u3042\u3042", "\u65e5\u672c", "\u4e2d\u4e2d",
        "\u3002\u65e5", "\u4e2d\u3002", "\u1112\u1161", "e\u0301", "\u0301\u0301", "\U0001F600\U0001F600", "\uD55C\uAE00", "<s", "s>", "1a", "a1",
    ];

    /// <summary>The values of <c>tokenizer.ggml.pre</c>; each is known to the library, and it refuses all others.</summary>
    public static IReadOnlyList<string> Splitters { get; } =
    [
        "default", "minicpm5", "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano",
        "deepseek-llm", "deepseek-coder", "deepseek-v3", "spark2_5", "youtu", "falcon", "mpt", "starcoder", "gpt-2", "phi-2", "jina-es", "jina-de",
        "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0", "mellum", "modern-bert", "jais-2", "gemma4", "granite-embed-multi-311m", "sarvam-moe",
        "jina-v1-en", "jina-v2-code", "roberta-bpe", "whitespace", "refact", "command-r", "qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2",
        "qwen35", "stablelm2", "olmo", "dbrx", "smaug-bpe", "poro-chat", "glm4", "chatglm-bpe", "viking", "jais", "tekken", "smollm", "codeshell",
        "bloom", "gpt3-finnish", "exaone", "exaone4", "exaone-moe", "chameleon", "minerva-7b", "megrez", "gpt-4o", "llama4", "kanana2", "talkie",
        "granite-embed-multi-97m", "tiny_aya", "cohere2moe", "superbpe", "trillion", "granite-docling", "bailingmoe", "bailingmoe2", "llada-moe",
        "seed-coder", "hunyuan", "hunyuan-dense", "hy_v4", "joyai-llm", "kimi-k2", "ufakzeka", "grok-2", "afmoe", "laguna", "minimax-m2",
        "solar-open", "mellum2",
    ];

    /// <summary>The values of <c>tokenizer.ggml.model</c>.</summary>
    public static IReadOnlyList<string> Models { get; } =
        ["gpt2", "hybriddna", "whitespace", "gemma4", "llama", "bert", "t5", "rwkv", "plamo2"];

    /// <summary>The vocabulary of a tokenizer; with a splitter of <see cref="Splitters"/> where the model has one.</summary>
    public static GeneratedVocabulary Make(string model, string? splitter = null)
    {
        var vocabulary = new GeneratedVocabulary(model, 4096);
        vocabulary.SetRole("unknown", vocabulary.AddScored(model == "bert" ? "[UNK]" : "<unk>", -100, TokenType.Unknown));
        int begin = vocabulary.AddScored("<s>", 0, TokenType.Control);
        int end = vocabulary.AddScored("</s>", 0, TokenType.Control);
        vocabulary.SetRole("padding", vocabulary.AddScored("<pad>", 0, TokenType.Control));
        foreach (string role in (string[])["bos", "cls"])
            vocabulary.SetRole(role, begin);
        foreach (string role in (string[])["eos", "seperator"])
            vocabulary.SetRole(role, end);
        vocabulary.AddScored("<|user|>", 0, TokenType.UserDefined);
        if (splitter is not null)
            vocabulary.Set("tokenizer.ggml.pre", splitter);

        var writer = new Writer(vocabulary, Spelling(model, splitter), model is "gpt2" or "hybriddna" or "whitespace" or "gemma4");
        writer.AddBytes();
        foreach (string text in Texts.Concat(PieceFactory.Pieces().Take(1200).Select(p => p.Text)))
            writer.AddText(text);
        return vocabulary;
    }

    /// <summary>Writes a file that has the vocabulary and nothing else, for <see cref="ForgeOptions.VocabularyFile"/>.</summary>
    public static void WriteTo(string file, ModelVocabulary vocabulary)
    {
        var writer = new GgufWriter();
        writer.Add("general.architecture", "llama");
        vocabulary.AddMetadata(writer);
        File.WriteAllBytes(file, writer.BuildHeader());
    }

    private static Spelt Spelling(string model, string? splitter) => (model, splitter) switch
    {
        ("gemma4", _) or (_, "gemma4" or "granite-embed-multi-311m" or "sarvam-moe") => Spelt.Escaped,
        ("whitespace", _) or (_, "whitespace") => Spelt.Plain,
        ("gpt2" or "hybriddna", _) => Spelt.Bytes,
        ("llama" or "t5", _) => Spelt.Escaped,
        ("rwkv", _) => Spelt.Backslashes,
        ("bert", _) => Spelt.Words,
        _ => Spelt.Plain,
    };

    /// <summary>How a token's text is written in the file.</summary>
    private enum Spelt
    {
        Bytes,
        Escaped,
        Plain,
        Backslashes,
        Words,
    }

    private sealed class Writer(GeneratedVocabulary vocabulary, Spelt spelt, bool merges)
    {
        private readonly HashSet<string> _seen = ["<s", "s>"];

        public void AddBytes()
        {
            // WordPiece has none, and llama.cpp ends the process where a file says so.
            for (int value = 0; value < 256 && spelt != Spelt.Words; value++)
            {
                if (spelt == Spelt.Bytes)
                    Add(ByteBpeVocabulary.SpellingOf((byte)value));
                else if (spelt == Spelt.Backslashes)
                    Add(value is > ' ' and < 127 and not '\\' ? ((char)value).ToString() : $"\\x{value:x2}");
                else
                    Add($"<0x{value:X2}>", TokenType.Byte);
            }
        }

        public void AddText(string text)
        {
            string[] symbols = [.. Symbols(text)];
            string left = symbols[0];
            if (spelt is not (Spelt.Bytes or Spelt.Backslashes))
            {
                foreach (string symbol in symbols)
                    Add(symbol);
            }

            foreach (string right in symbols[1..])
            {
                if (Add(left + right) && merges)
                    vocabulary.AddMerge(left, right);
                left += right;
            }
        }

        private IEnumerable<string> Symbols(string text) => spelt switch
        {
            Spelt.Bytes => Encoding.UTF8.GetBytes(text).Select(ByteBpeVocabulary.SpellingOf),
            Spelt.Backslashes => Encoding.UTF8.GetBytes(text).Select(b => b is > (byte)' ' and < 127 and not (byte)'\\' ? ((char)b).ToString() : $"\\x{b:x2}"),
            Spelt.Words => text.ToLowerInvariant().EnumerateRunes().Select(r => r.Value == ' ' ? Space.ToString() : r.ToString()),
            Spelt.Escaped => text.EnumerateRunes().Select(r => r.Value == ' ' ? Space.ToString() : r.ToString()),
            _ => text.EnumerateRunes().Select(r => r.ToString()),
        };

        private bool Add(string token, TokenType type = TokenType.Normal)
        {
            if (!_seen.Add(token))
                return false;
            vocabulary.AddScored(token, -_seen.Count / 64f, type);
            return true;
        }
    }
}
