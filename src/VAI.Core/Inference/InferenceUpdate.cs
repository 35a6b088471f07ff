namespace VAI;

/// <summary>What a text of a model is.</summary>
public enum InferenceUpdateKind
{
    /// <summary>What it says.</summary>
    Answer,

    /// <summary>What it thinks before it says something.</summary>
    Reasoning,

    /// <summary>Calls of tools, with the marks around them, as <see cref="ToolCallReader"/> reads them. Only with <see cref="Constraint.Tools"/>.</summary>
    ToolCalls,
}

/// <summary>One step of a streamed response.</summary>
/// <param name="Text">
/// The characters this step completed: never a part of one, and empty while a token's bytes, or a possible stop string, are
/// still open.
/// </param>
/// <param name="TokenId">The token of this step, or -1 in the last update.</param>
/// <param name="Result">What the transaction came to; set in the last update and only there.</param>
public readonly record struct InferenceUpdate(string Text, int TokenId, InferenceResult? Result = null)
{
    /// <summary>Whether <see cref="Text"/> is the answer, or what the model thinks; the marks between the two are in neither.</summary>
    public InferenceUpdateKind Kind { get; init; }

    /// <summary>
    /// What the model said of <see cref="TokenId"/>; null in the last update, and where
    /// <see cref="InferenceOptions.LogProbabilities"/> did not ask.
    /// </summary>
    public TokenLogProbabilities? LogProbabilities { get; init; }
}
