namespace VAI;

/// <summary>Why no more of a session and its prompt was reused.</summary>
public enum ReuseBreakReason
{
    /// <summary>Nothing that begins alike was held.</summary>
    NothingHeld,

    /// <summary>What was held goes on with another token.</summary>
    Differs,

    /// <summary>All that was held was reused; the rest is new.</summary>
    Shorter,

    /// <summary>
    /// More was held than could be built upon: it was computed in other steps than <see cref="RomProfile.Exact"/> would, or generated; a sliding
    /// window has passed it; or <see cref="InferenceOptions.PromptLogProbabilities"/> asked for it anew.
    /// </summary>
    NotKept,
}

/// <summary>
/// Where reuse ended: what was held of the same beginning, by this session or by one that shares with it, is compared token by token.
/// Immutable, and safe to use from any thread.
/// </summary>
/// <param name="Position">
/// Tokens of session and prompt up to there. <see cref="InferenceResult.ReusedTokens"/> are as many, but under <see cref="RomProfile.Exact"/>,
/// where a step is reused whole or not at all: up to 31 fewer than the tokens in front of one that differs.
/// </param>
/// <param name="Reason">Why.</param>
/// <param name="Before">The text that ends there, up to 40 characters of it; null unless it <see cref="ReuseBreakReason.Differs"/>.</param>
/// <param name="After">The text that begins there and differs from what was held, up to 40 characters; null where <paramref name="Before"/> is.</param>
public sealed record ReuseBreak(int Position, ReuseBreakReason Reason, string? Before = null, string? After = null);
