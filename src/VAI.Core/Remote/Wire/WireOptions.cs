using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using VAI.Sram;

namespace VAI.Remote.Wire;

// The source generator gives an init-only property that a document leaves out its type's default instead of its own. So options travel
// as these, whose properties can be set.

/// <summary><see cref="InferenceOptions"/> as a document.</summary>
internal sealed class WireInferenceOptions
{
    private static readonly InferenceOptions Default = new();

    public int? MaxTokens { get; set; }

    public float Temperature { get; set; } = Default.Temperature;

    public int TopK { get; set; } = Default.TopK;

    public float TopP { get; set; } = Default.TopP;

    public float MinP { get; set; } = Default.MinP;

    public float TypicalP { get; set; } = Default.TypicalP;

    public float RepeatPenalty { get; set; } = Default.RepeatPenalty;

    public float FrequencyPenalty { get; set; } = Default.FrequencyPenalty;

    public float PresencePenalty { get; set; } = Default.PresencePenalty;

    public int PenaltyLastN { get; set; } = Default.PenaltyLastN;

    public uint? Seed { get; set; }

    public IReadOnlyDictionary<int, float>? LogitBias { get; set; }

    public int? LogProbabilities { get; set; }

    public bool PromptLogProbabilities { get; set; }

    public IReadOnlyList<string>? Stop { get; set; }

    public Constraint? Constraint { get; set; }

    public bool FastForward { get; set; }

    public ReasoningFormat? Reasoning { get; set; }

    public bool BeginsInReasoning { get; set; }

    public int? ReasoningBudget { get; set; }

    public TimeSpan? Deadline { get; set; }

    public TimeSpan? SramWait { get; set; }
}

/// <summary><see cref="SessionOptions"/> as a document.</summary>
internal sealed class WireSessionOptions
{
    private static readonly SessionOptions Default = new();

    public int BufferedUpdates { get; set; } = Default.BufferedUpdates;

    public SessionPriority Priority { get; set; } = Default.Priority;

    public string? Tag { get; set; }
}

internal sealed class InferenceOptionsConverter : JsonConverter<InferenceOptions>
{
    public override InferenceOptions? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        WireInferenceOptions? w = JsonSerializer.Deserialize(ref reader, (JsonTypeInfo<WireInferenceOptions>)options.GetTypeInfo(typeof(WireInferenceOptions)));
        return w is null ? null : new InferenceOptions
        {
            MaxTokens = w.MaxTokens,
            Temperature = w.Temperature,
            TopK = w.TopK,
            TopP = w.TopP,
            MinP = w.MinP,
            TypicalP = w.TypicalP,
            RepeatPenalty = w.RepeatPenalty,
            FrequencyPenalty = w.FrequencyPenalty,
            PresencePenalty = w.PresencePenalty,
            PenaltyLastN = w.PenaltyLastN,
            Seed = w.Seed,
            LogitBias = w.LogitBias,
            LogProbabilities = w.LogProbabilities,
            PromptLogProbabilities = w.PromptLogProbabilities,
            Stop = w.Stop,
            Constraint = w.Constraint,
            FastForward = w.FastForward,
            Reasoning = w.Reasoning,
            BeginsInReasoning = w.BeginsInReasoning,
            ReasoningBudget = w.ReasoningBudget,
            Deadline = w.Deadline,
            SramWait = w.SramWait,
        };
    }

    public override void Write(Utf8JsonWriter writer, InferenceOptions value, JsonSerializerOptions options) => JsonSerializer.Serialize(
        writer,
        new WireInferenceOptions
        {
            MaxTokens = value.MaxTokens,
            Temperature = value.Temperature,
            TopK = value.TopK,
            TopP = value.TopP,
            MinP = value.MinP,
            TypicalP = value.TypicalP,
            RepeatPenalty = value.RepeatPenalty,
            FrequencyPenalty = value.FrequencyPenalty,
            PresencePenalty = value.PresencePenalty,
            PenaltyLastN = value.PenaltyLastN,
            Seed = value.Seed,
            LogitBias = value.LogitBias,
            LogProbabilities = value.LogProbabilities,
            PromptLogProbabilities = value.PromptLogProbabilities,
            Stop = value.Stop,
            Constraint = value.Constraint,
            FastForward = value.FastForward,
            Reasoning = value.Reasoning,
            BeginsInReasoning = value.BeginsInReasoning,
            ReasoningBudget = value.ReasoningBudget,
            Deadline = value.Deadline,
            SramWait = value.SramWait,
        },
        (JsonTypeInfo<WireInferenceOptions>)options.GetTypeInfo(typeof(WireInferenceOptions)));
}

internal sealed class SessionOptionsConverter : JsonConverter<SessionOptions>
{
    public override SessionOptions? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        JsonSerializer.Deserialize(ref reader, (JsonTypeInfo<WireSessionOptions>)options.GetTypeInfo(typeof(WireSessionOptions))) is { } w
            ? new SessionOptions { BufferedUpdates = w.BufferedUpdates, Priority = w.Priority, Tag = PrefixTag.Current ?? w.Tag }
            : null;

    public override void Write(Utf8JsonWriter writer, SessionOptions value, JsonSerializerOptions options) => JsonSerializer.Serialize(
        writer,
        new WireSessionOptions { BufferedUpdates = value.BufferedUpdates, Priority = value.Priority, Tag = value.Tag },
        (JsonTypeInfo<WireSessionOptions>)options.GetTypeInfo(typeof(WireSessionOptions)));
}
