namespace VAI.Forge;

/// <summary>What a model recites, and the tokens and template of the family that it plays.</summary>
public sealed class ReciterOptions
{
    /// <summary>
    /// What it answers: the first has no marker and is recited after any prompt; each of the others, at most 15, takes the place of
    /// those before it once its marker stands in the prompt.
    /// </summary>
    public required IReadOnlyList<ReciterScript> Scripts { get; init; }

    /// <summary>The chat template (Jinja); null for ChatML's, which knows no tools.</summary>
    public string? Template { get; init; }

    /// <summary>Control tokens: no text of a user is read as one. Each of 2 characters or more.</summary>
    public IReadOnlyList<string> ControlTokens { get; init; } = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

    /// <summary>Tokens of their own that are text all the same, as Qwen has them. Each of 2 characters or more; markers need not be among them.</summary>
    public IReadOnlyList<string> TextTokens { get; init; } =
        ["<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"];

    /// <summary>The control token that ends every answer.</summary>
    public string EndToken { get; init; } = "<|im_end|>";

    /// <summary>The control token that stands before every prompt; null for none.</summary>
    public string? BeginToken { get; init; }

    /// <summary>
    /// The longest piece of text that is one token, in bytes, 1 to 64; most have half of it or more. Pieces end anywhere, within characters
    /// too. A new line is a token of its own. Default 4.
    /// </summary>
    public int PieceBytes { get; init; } = 4;

    /// <summary>Where pieces end follows from it; any value. Default 1.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Whether an existing output file is replaced; otherwise it is an error. Default false.</summary>
    public bool Overwrite { get; init; }
}
