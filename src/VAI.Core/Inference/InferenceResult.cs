namespace VAI;

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>The model ended it with an end-of-sequence or end-of-turn token.</summary>
    EndOfSequence,

    /// <summary>One of <see cref="InferenceOptions.Stop"/> appeared.</summary>
    StopString,

    /// <summary><see cref="InferenceOptions.MaxTokens"/> were generated.</summary>
    MaxTokens,

    /// <summary>The session reached <see cref="IModelContext.ContextLength"/>.</summary>
    ContextFull,

    /// <summary><see cref="InferenceOptions.Deadline"/> passed.</summary>
    Deadline,
}

/// <summary>What it took to have the model's weights at hand for a transaction.</summary>
public enum SwitchClass
{
    /// <summary>Nothing: they were there.</summary>
    Resident,

    /// <summary>The first transaction after the weights were mapped from a ROM.</summary>
    Attached,

    /// <summary>The first transaction after the weights were read from a file.</summary>
    Loaded,
}

/// <summary>What a transaction came to and what it cost.</summary>
public sealed record InferenceResult
{
    /// <summary>Why it ended.</summary>
    public required FinishReason FinishReason { get; init; }

    /// <summary>Tokens of this transaction's prompt, without the session's earlier ones.</summary>
    public required int PromptTokens { get; init; }

    /// <summary>Tokens generated, an end-of-sequence token included.</summary>
    public required int GeneratedTokens { get; init; }

    /// <summary>Of the generated tokens, those of what the model thought, with the marks around it.</summary>
    public int ReasoningTokens { get; init; }

    /// <summary>
    /// Tokens of session and prompt that were not computed for this transaction: they were in the session's KV, in that of another
    /// session with the same beginning, or parked.
    /// </summary>
    public required int ReusedTokens { get; init; }

    /// <summary>
    /// Where reuse ended, and why; null where nothing but the last token of session and prompt was computed. A transaction that another
    /// process took up has it from there.
    /// </summary>
    public ReuseBreak? ReuseBreak { get; init; }

    /// <summary>From the start of the enumeration to a place in the SRAM bank.</summary>
    public required TimeSpan QueueTime { get; init; }

    /// <summary>
    /// From that place to the first token, the time in which no step was this transaction's: others' turns. Without it and
    /// <see cref="QueueTime"/>, what is left of <see cref="FirstTokenTime"/> is computing.
    /// </summary>
    public required TimeSpan WaitTime { get; init; }

    /// <summary>From the start of the enumeration to the first token, queueing and prefill included.</summary>
    public required TimeSpan FirstTokenTime { get; init; }

    /// <summary>From the start of the enumeration to the last token.</summary>
    public required TimeSpan TotalTime { get; init; }

    /// <summary>What having the weights at hand took.</summary>
    public required SwitchClass SwitchClass { get; init; }

    /// <summary>The sampler's seed: the given one, or the one that was drawn.</summary>
    public required uint Seed { get; init; }

    /// <summary>
    /// Threads that computed a step of it, on average: fewer than <see cref="VaiOptions.Threads"/> where others used the cores. 0 where
    /// nothing was computed. A transaction that another process took up counts from there.
    /// </summary>
    public double ComputeThreads { get; init; }

    /// <summary>
    /// What the model said of the prompt's tokens, one for each; null where <see cref="InferenceOptions.PromptLogProbabilities"/> did not
    /// ask. The first token of a session has none (null): nothing is before it.
    /// </summary>
    public IReadOnlyList<TokenLogProbabilities?>? PromptLogProbabilities { get; init; }

    /// <summary>Generated tokens a second after the first one; 0 if there was only one.</summary>
    public double TokensPerSecond => GeneratedTokens > 1 && TotalTime > FirstTokenTime
        ? (GeneratedTokens - 1) / (TotalTime - FirstTokenTime).TotalSeconds
        : 0;
}
