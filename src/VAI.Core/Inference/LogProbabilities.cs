namespace VAI;

/// <summary>A token and how likely the model holds it.</summary>
/// <param name="TokenId">The token.</param>
/// <param name="LogProbability">
/// The natural logarithm of its probability: 0 or less, negative infinity where the model excludes it.
/// </param>
/// <param name="Bytes">Its text as UTF-8, of which it may hold a part of a character; a control token's is its name.</param>
public readonly record struct TokenLogProbability(int TokenId, float LogProbability, ReadOnlyMemory<byte> Bytes);

/// <summary>
/// What the model itself said of a place in the sequence: its distribution before bias, penalties and everything else that
/// <see cref="InferenceOptions"/> asks for, and at temperature 1. Immutable, and safe to use from any thread.
/// </summary>
/// <param name="Token">The token that stands there, whether or not it is among the likeliest.</param>
/// <param name="Top">
/// The likeliest tokens, the most likely first and of equally likely ones the lower id: as many as
/// <see cref="InferenceOptions.LogProbabilities"/> says.
/// </param>
public sealed record TokenLogProbabilities(TokenLogProbability Token, IReadOnlyList<TokenLogProbability> Top);
