using VAI.OptionRules;
using VAI.Native.Llama;

namespace VAI.Sessions;

/// <summary>Checks <see cref="InferenceOptions"/> and makes llama.cpp's sampler chain of them.</summary>
internal static class SamplerFactory
{
    /// <summary>llama.cpp reads this seed as "draw one".</summary>
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
        foreach ((int token, float bias) in o.LogitBias ?? new Dictionary<int, float>())
        {
            if ((uint)token >= (uint)vocabulary)
                throw OptionCheck.Invalid($"LogitBias names token {token}; this model's ids are 0 to {vocabulary - 1}.");
            if (float.IsNaN(bias) || float.IsPositiveInfinity(bias))
                throw OptionCheck.Invalid($"LogitBias of token {token} is {bias}; use a finite value, or negative infinity to ban it.");
        }

        OptionCheck.Range(o.Stop?.Count ?? 0, 0, MaxStops, nameof(o.Stop) + " count");
        foreach (string stop in o.Stop ?? [])
            OptionCheck.Range(stop?.Length ?? 0, 1, MaxStopLength, nameof(o.Stop) + " length");
    }

    public static uint Seed(InferenceOptions o) =>
        o.Seed ?? (uint)Random.Shared.Next();

    public static LlamaSampler Create(InferenceOptions o, uint seed, LlamaVocab vocab) => new(vocab, new LlamaSamplerSettings
    {
        Temperature = o.Temperature,
        TopK = o.TopK,
        TopP = o.TopP,
        MinP = o.MinP,
        TypicalP = o.TypicalP,
        RepeatPenalty = o.RepeatPenalty,
        FrequencyPenalty = o.FrequencyPenalty,
        PresencePenalty = o.PresencePenalty,
        PenaltyLastN = o.PenaltyLastN,
        Seed = seed == RandomSeed ? RandomSeed - 1 : seed,
        LogitBias = o.LogitBias,
    });
}
