namespace VAI;

/// <summary>One step of a streamed response.</summary>
/// <param name="Text">
/// The characters this step completed: never a part of one, and empty while a token's bytes, or a possible stop string, are
/// still open.
/// </param>
/// <param name="TokenId">The token of this step, or -1 in the last update.</param>
/// <param name="Result">What the transaction came to; set in the last update and only there.</param>
public readonly record struct InferenceUpdate(string Text, int TokenId, InferenceResult? Result = null)
{
    /// <summary>
    /// What the model said of <see cref="TokenId"/>; null in the last update, and where
    /// <see cref="InferenceOptions.LogProbabilities"/> did not ask.
    /// </summary>
    public TokenLogProbabilities? LogProbabilities { get; init; }
}
