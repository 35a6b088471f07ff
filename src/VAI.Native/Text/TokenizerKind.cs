namespace VAI.Native.Text;

/// <summary>Places where every run of a tokenizer begins anew, whatever stands before and behind.</summary>
[Flags]
internal enum CutRules
{
    None = 0,

    /// <summary>Behind a single newline between two visible characters.</summary>
    Line = 1,

    /// <summary>Before a single space between two letters.</summary>
    Space = 2,

    /// <summary>Before a comma or a full stop that follows a letter.</summary>
    Mark = 4,

    /// <summary>Between a letter and a digit.</summary>
    Digit = 8,

    All = Line | Space | Mark | Digit,
}

/// <summary>Runs of characters on which a tokenizer's time grows with the square of their length.</summary>
internal enum SlowRun
{
    None,
    Digits,
    Spaces,
}

/// <summary>How a text may be cut for one of llama.cpp's tokenizers. Taken from its source (v0.5.0) and held by tests.</summary>
internal sealed record TokenizerKind
{
    /// <summary>Where its tokens are the same for two parts as for the whole.</summary>
    public required CutRules Rules { get; init; }

    /// <summary>
    /// Whether it splits by std::regex, whose recursion takes 352 bytes of stack for each character of a match (measured).
    /// </summary>
    public bool Recurses { get; init; }

    /// <summary>Whether tokens may span all that a text holds, so that pieces are joined where two windows agree.</summary>
    public bool Joins { get; init; }

    /// <summary>Whether llama.cpp ends the process on two whitespace characters in a row.</summary>
    public bool SingleSpaces { get; init; }

    /// <summary>Whether <c>&lt;dna&gt;</c> changes how what follows is read.</summary>
    public bool Dna { get; init; }

    /// <summary>Whether each token stands for the bytes of its piece and no byte is dropped, merged or changed.</summary>
    public bool KeepsBytes { get; init; }

    /// <summary>Whether it spells unknown characters by byte tokens, without which llama.cpp ends the process.</summary>
    public bool WantsBytes { get; init; }

    /// <summary>Characters of a piece where there is a choice.</summary>
    public int PieceChars { get; init; } = 16 << 10;

    public SlowRun Slow { get; init; }

    /// <summary>The longest slow run that a piece may have.</summary>
    public int SlowChars { get; init; } = int.MaxValue;

    /// <param name="model">The value of <c>tokenizer.ggml.model</c>.</param>
    /// <param name="splitter">The value of <c>tokenizer.ggml.pre</c>; empty or null where there is none.</param>
    public static TokenizerKind Of(string? model, string? splitter) => model switch
    {
        "llama" => new() { Rules = CutRules.None, Joins = true, KeepsBytes = true, WantsBytes = true },
        "rwkv" or "plamo2" or "gemma4" => new() { Rules = CutRules.None, Joins = true, KeepsBytes = true },
        "t5" => new() { Rules = CutRules.None, Joins = true },
        "bert" => new() { Rules = CutRules.Line | CutRules.Space | CutRules.Mark },
        "hybriddna" => OfSplitter(splitter) with { Dna = true, KeepsBytes = false },
        // Each word is a call of its own, which compiles the splitter's expressions anew.
        "whitespace" => OfSplitter(splitter) with { SingleSpaces = false, KeepsBytes = false, PieceChars = 1 << 10 },
        _ => OfSplitter(splitter),
    };

    private static TokenizerKind OfSplitter(string? splitter) => splitter switch
    {
        "gemma4" or "granite-embed-multi-311m" or "sarvam-moe" => new() { Rules = CutRules.None, Joins = true, KeepsBytes = true },
        "superbpe" => new()
        {
            Rules = CutRules.None,
            Joins = true,
            Recurses = true,
            KeepsBytes = true,
            Slow = SlowRun.Digits,
            SlowChars = 256,
        },
        "whitespace" => new() { Rules = CutRules.Line | CutRules.Space, Recurses = true, SingleSpaces = true },
        "poro-chat" or "bloom" or "gpt3-finnish" => new()
        {
            Rules = CutRules.Line | CutRules.Space | CutRules.Mark,
            Recurses = true,
            KeepsBytes = true,
        },
        "exaone-moe" => new() { Rules = CutRules.All & ~CutRules.Space, Recurses = true, KeepsBytes = true },
        "deepseek-llm" => new() { Rules = CutRules.All, Recurses = true, KeepsBytes = true, Slow = SlowRun.Spaces, SlowChars = 2048 },
        "tiny_aya" or "cohere2moe" => new()
        {
            Rules = CutRules.All,
            Recurses = true,
            KeepsBytes = true,
            Slow = SlowRun.Digits,
            SlowChars = 512,
        },
        // Split by functions of llama.cpp's own, without recursion.
        "llama3" or "llama-v3" or "llama-bpe" or "falcon3" or "falcon-h1" or "pixtral" or "midm-2.0" or "lfm2" or "jina-v5-nano" or "dbrx"
            or "smaug-bpe" or "glm4" or "chatglm-bpe" or "mpt" or "olmo" or "jais" or "trillion" or "granite-docling" or "gpt-2" or "phi-2"
            or "jina-es" or "jina-de" or "gigachat" or "jina-v2-es" or "jina-v2-de" or "a.x-4.0" or "mellum" or "modern-bert" or "jina-v1-en"
            or "jina-v2-code" or "roberta-bpe" or "exaone4" or "starcoder" or "refact" or "command-r" or "smollm" or "codeshell" or "exaone"
            or "minerva-7b" or "mellum2" or "stablelm2" or "qwen2" or "deepseek-r1-qwen" or "kormo" or "f2llmv2" or "megrez" or "hunyuan"
            or "solar-open" or "grok-2" or "qwen35" or "kimi-k2" or "laguna" => new() { Rules = CutRules.All, KeepsBytes = true },
        null or "" or "default" or "minicpm5" or "deepseek-coder" or "deepseek-v3" or "spark2_5" or "youtu" or "falcon" or "jais-2" or "viking"
            or "tekken" or "chameleon" or "gpt-4o" or "llama4" or "kanana2" or "talkie" or "granite-embed-multi-97m" or "bailingmoe"
            or "bailingmoe2" or "llada-moe" or "seed-coder" or "hunyuan-dense" or "hy_v4" or "joyai-llm" or "ufakzeka" or "afmoe"
            or "minimax-m2" => new() { Rules = CutRules.All, Recurses = true, KeepsBytes = true },
        // Of a later llama.cpp: nearly every one of them splits at lines.
        _ => new() { Rules = CutRules.Line, Recurses = true },
    };
}
