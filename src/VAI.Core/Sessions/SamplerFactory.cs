using System.Collections.ObjectModel;
using VAI.OptionRules;
using VAI.Sessions.Sampling;

namespace VAI.Sessions;

/// <summary>Checks <see cref="InferenceOptions"/> and makes a transaction's sampler of them.</summary>
internal static class SamplerFactory
{
    /// <summary>llama.cpp reads this seed as "draw one"; its neighbour has always stood for it here.</summary>
    private const uint RandomSeed = 0xFFFF_FFFF;
    private const int MaxPenaltyLastN = 4096;
    private const int MaxStops = 16;
    private const int MaxStopLength = 256;

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/> for the first option out of range.</exception>
    public static void Check(InferenceOptions o, int vocabulary)
    {
        if (o.MaxTokens is { } max)
            OptionCheck.Range(max, 1, int.MaxValue, nameof(o.MaxTokens));
        OptionCheck.Range(o.Temperature, 0, 100, nameof(o.Temperature));
        OptionCheck.Range(o.TopK, 0, int.MaxValue, nameof(o.TopK));
        OptionCheck.AboveRange(o.TopP, 0, 1, nameof(o.TopP));
        OptionCheck.Range(o.MinP, 0, 1, nameof(o.MinP));
        OptionCheck.AboveRange(o.TypicalP, 0, 1, nameof(o.TypicalP));
        OptionCheck.AboveRange(o.RepeatPenalty, 0, 10, nameof(o.RepeatPenalty));
        OptionCheck.Range(o.FrequencyPenalty, -10, 10, nameof(o.FrequencyPenalty));
        OptionCheck.Range(o.PresencePenalty, -10, 10, nameof(o.PresencePenalty));
        OptionCheck.Range(o.PenaltyLastN, 0, MaxPenaltyLastN, nameof(o.PenaltyLastN));
        foreach ((int token, float bias) in o.LogitBias ?? ReadOnlyDictionary<int, float>.Empty)
            BiasTable.Check(token, bias, vocabulary);
        if (o.LogProbabilities is { } top)
            OptionCheck.Range(top, 0, LogProbability.MostTop, nameof(o.LogProbabilities));
        else if (o.PromptLogProbabilities)
            throw OptionCheck.Invalid($"{nameof(o.PromptLogProbabilities)} needs {nameof(o.LogProbabilities)}. Set it to a number from 0 to {LogProbability.MostTop}.");
        OptionCheck.Range(o.Stop?.Count ?? 0, 0, MaxStops, nameof(o.Stop) + " count");
        foreach (string stop in o.Stop ?? [])
            OptionCheck.Range(stop?.Length ?? 0, 1, MaxStopLength, nameof(o.Stop) + " length");
    }

    public static uint Seed(InferenceOptions o) =>
        o.Seed ?? (uint)Random.Shared.Next();

    /// <summary>What chooses the tokens of a transaction.</summary>
    public static TokenSampler Create(InferenceOptions o, uint seed, int vocabulary, ITokenMask? mask = null) =>
        new(o, seed == RandomSeed ? RandomSeed - 1 : seed, vocabulary, mask);
}
