using VAI.Native.Gguf;

namespace VAI;

/// <summary>How to sample where nobody says otherwise; null stands for what is left open. The members are those of <see cref="InferenceOptions"/>.</summary>
public sealed record SamplingDefaults
{
    /// <summary>Most tokens that penalties can look at.</summary>
    internal const int MostPenalised = 4096;

    /// <summary><see cref="InferenceOptions.Temperature"/>.</summary>
    public float? Temperature { get; init; }

    /// <summary><see cref="InferenceOptions.TopK"/>.</summary>
    public int? TopK { get; init; }

    /// <summary><see cref="InferenceOptions.TopP"/>.</summary>
    public float? TopP { get; init; }

    /// <summary><see cref="InferenceOptions.MinP"/>.</summary>
    public float? MinP { get; init; }

    /// <summary><see cref="InferenceOptions.TypicalP"/>.</summary>
    public float? TypicalP { get; init; }

    /// <summary><see cref="InferenceOptions.RepeatPenalty"/>.</summary>
    public float? RepeatPenalty { get; init; }

    /// <summary><see cref="InferenceOptions.FrequencyPenalty"/>.</summary>
    public float? FrequencyPenalty { get; init; }

    /// <summary><see cref="InferenceOptions.PresencePenalty"/>.</summary>
    public float? PresencePenalty { get; init; }

    /// <summary><see cref="InferenceOptions.PenaltyLastN"/>.</summary>
    public int? PenaltyLastN { get; init; }

    /// <summary>OpenAI's: the model's own distribution.</summary>
    internal static SamplingDefaults OpenAi { get; } = new()
    {
        Temperature = 1,
        TopK = 0,
        TopP = 1,
        MinP = 0,
        TypicalP = 1,
        RepeatPenalty = 1,
        FrequencyPenalty = 0,
        PresencePenalty = 0,
    };

    /// <summary>What a file recommends, as llama.cpp's converter writes it; null for nothing. What is out of range is nothing.</summary>
    internal static SamplingDefaults? From(GgufFile file)
    {
        var said = new SamplingDefaults
        {
            Temperature = Number("temp", 0, 2),
            TopK = Whole("top_k"),
            TopP = Number("top_p", 1e-6, 1),
            MinP = Number("min_p", 0, 1),
            RepeatPenalty = Number("penalty_repeat", 0.01, 10),
            PenaltyLastN = Whole("penalty_last_n") is { } last and <= MostPenalised ? last : null,
        };
        return said == new SamplingDefaults() ? null : said;

        float? Number(string key, double least, double most) =>
            file.TryGet(Key(key), out GgufEntry e) && e.Type is GgufValueType.Float32
            && file.GetFloats(Key(key), 1) is [var value] && value >= least && value <= most ? value : null;

        int? Whole(string key) => file.TryGet(Key(key), out GgufEntry e) && e.Type is GgufValueType.Int32 or GgufValueType.UInt32
            && file.GetIntegers(Key(key), 1) is [>= 0 and <= int.MaxValue and long value] ? (int)value : null;

        static string Key(string name) => "general.sampling." + name;
    }

    /// <summary>These, with what they leave open taken from others.</summary>
    internal SamplingDefaults Over(SamplingDefaults? others) => others is null ? this : new SamplingDefaults
    {
        Temperature = Temperature ?? others.Temperature,
        TopK = TopK ?? others.TopK,
        TopP = TopP ?? others.TopP,
        MinP = MinP ?? others.MinP,
        TypicalP = TypicalP ?? others.TypicalP,
        RepeatPenalty = RepeatPenalty ?? others.RepeatPenalty,
        FrequencyPenalty = FrequencyPenalty ?? others.FrequencyPenalty,
        PresencePenalty = PresencePenalty ?? others.PresencePenalty,
        PenaltyLastN = PenaltyLastN ?? others.PenaltyLastN,
    };

    /// <summary>Options, changed as far as something is said here.</summary>
    internal InferenceOptions Apply(InferenceOptions options) => options with
    {
        Temperature = Temperature ?? options.Temperature,
        TopK = TopK ?? options.TopK,
        TopP = TopP ?? options.TopP,
        MinP = MinP ?? options.MinP,
        TypicalP = TypicalP ?? options.TypicalP,
        RepeatPenalty = RepeatPenalty ?? options.RepeatPenalty,
        FrequencyPenalty = FrequencyPenalty ?? options.FrequencyPenalty,
        PresencePenalty = PresencePenalty ?? options.PresencePenalty,
        PenaltyLastN = PenaltyLastN ?? options.PenaltyLastN,
    };
}
