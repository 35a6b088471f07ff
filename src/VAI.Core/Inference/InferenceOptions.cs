namespace VAI;

/// <summary>How a transaction samples and when it ends. The defaults are llama.cpp's own.</summary>
public sealed record InferenceOptions
{
    /// <summary>Most tokens to generate, 1 or more; null for until the model or the context ends it.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>0 for greedy (always the most likely token), else what logits are divided by: above 0 to 100.</summary>
    public float Temperature { get; init; } = 0.8f;

    /// <summary>Only the most likely tokens: their number, or 0 for all.</summary>
    public int TopK { get; init; } = 40;

    /// <summary>Only the most likely tokens that together have this probability, above 0 to 1; 1 for all. (Nucleus sampling, arXiv:1904.09751.)</summary>
    public float TopP { get; init; } = 0.95f;

    /// <summary>Only tokens at least this many times as likely as the most likely one, 0 to 1; 0 for all.</summary>
    public float MinP { get; init; } = 0.05f;

    /// <summary>Locally typical sampling (arXiv:2202.00666): the probability kept, above 0 to 1; 1 for off.</summary>
    public float TypicalP { get; init; } = 1;

    /// <summary>What logits of repeated tokens are divided by, above 0 to 10; 1 for off.</summary>
    public float RepeatPenalty { get; init; } = 1;

    /// <summary>Taken from a token's logit for each of its repetitions, -10 to 10; 0 for off.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Taken from a token's logit once if it appeared, -10 to 10; 0 for off.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>How many of the last tokens the penalties look at, 0 to 4096.</summary>
    public int PenaltyLastN { get; init; } = 64;

    /// <summary>The sampler's seed; null to draw one.</summary>
    public uint? Seed { get; init; }

    /// <summary>
    /// Added to the logits of some tokens before anything else: -1,000,000 to 1,000,000, or negative infinity to ban a token. Any number
    /// of the model's tokens; a token takes no longer for it. If nothing is left to choose, the transaction fails.
    /// </summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>
    /// Asks for log probabilities of the generated tokens (<see cref="InferenceUpdate.LogProbabilities"/>), and says of how many of the
    /// likeliest tokens beside: 0 to 20; null for none.
    /// </summary>
    public int? LogProbabilities { get; init; }

    /// <summary>
    /// Asks for those of the prompt's tokens too (<see cref="InferenceResult.PromptLogProbabilities"/>); only with
    /// <see cref="LogProbabilities"/>. The whole prompt is then computed, in short steps, even where its KV is at hand.
    /// </summary>
    public bool PromptLogProbabilities { get; init; }

    /// <summary>
    /// Texts that end the generation, at most 16 of 1 to 256 characters. They may span tokens and are not part of the text. Where thoughts are told from
    /// the answer, they are looked for in the answer alone.
    /// </summary>
    public IReadOnlyList<string>? Stop { get; init; }

    /// <summary>What the answer must be; null for whatever the model says. Thoughts (<see cref="Reasoning"/>) come before it, and are free.</summary>
    public Constraint? Constraint { get; init; }

    /// <summary>
    /// Whether what <see cref="Constraint"/> leaves no choice about is written for the model, and computed in one step: names of members, and what is
    /// around them, without white space. Then it takes less time, and may have other tokens than the model would have chosen for the same text.
    /// </summary>
    public bool FastForward { get; init; }

    /// <summary>
    /// The marks by which what the model thinks is told from its answer (<see cref="InferenceUpdate.Kind"/>). Null: those of the prompt, where it is
    /// a <see cref="ChatPrompt"/>; otherwise all is the answer, and marks are in it.
    /// </summary>
    public ReasoningFormat? Reasoning { get; init; }

    /// <summary>Whether the prompt ends where thoughts have begun. Only with <see cref="Reasoning"/>.</summary>
    public bool BeginsInReasoning { get; init; }

    /// <summary>
    /// Most tokens of thought, 0 or more: then the closing mark is written for the model, and it answers. Null for as many as it likes. Only with
    /// <see cref="Reasoning"/>.
    /// </summary>
    public int? ReasoningBudget { get; init; }

    /// <summary>
    /// How long the transaction may take, from the start of the enumeration: zero or more; null or infinite for as long as it takes. When it
    /// passes, what was generated is the answer (<see cref="FinishReason.Deadline"/>); before the first token it is an error, and the session is as
    /// it was. Among waiting transactions, who is due first is served first.
    /// </summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>
    /// How long the transaction waits for room in the SRAM bank before it fails with <see cref="VaiError.SramFull"/>: zero or more, zero to take
    /// it at once or not at all; null or infinite to wait for its turn.
    /// </summary>
    public TimeSpan? SramWait { get; init; }

    /// <summary>The most likely token, always.</summary>
    public static InferenceOptions Greedy { get; } = new() { Temperature = 0 };
}
