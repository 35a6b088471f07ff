using System.Globalization;
using System.Text.Json;
using VAI.Ai;
using VAI.Daemon.OpenAi.Requests;

namespace VAI.Daemon.OpenAi.Responses;

/// <summary>A prompt: a text, or tokens, or a conversation.</summary>
/// <param name="Text">The text.</param>
/// <param name="Tokens">The tokens.</param>
/// <param name="Chat">The conversation.</param>
/// <param name="Joined">Whether what the model thinks is a part of the answer.</param>
internal readonly record struct Prompt(string? Text, int[]? Tokens, ChatPrompt? Chat = null, bool Joined = false);

/// <summary>What both kinds of generation ask for.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Choices">Answers to each prompt.</param>
/// <param name="Stream">Whether as server-sent events.</param>
/// <param name="IncludeUsage">Whether the stream ends with a usage chunk.</param>
/// <param name="Options">Checked, but for the tokens of the bias, which depend on the model; how to sample comes with <see cref="Select"/>.</param>
/// <param name="Sampling">What it says of sampling.</param>
internal sealed record Generation(
    string Model, int Choices, bool Stream, bool IncludeUsage, InferenceOptions Options, SamplingDefaults Sampling)
{
    /// <summary>The most tokens that can be asked for; no context is as long.</summary>
    public const int MostTokens = 1 << 20;

    /// <summary>The most of the likeliest tokens that can be asked for beside each token.</summary>
    public const int MostLogProbabilities = 20;

    private const int MaxChoices = 8;
    private const int MaxStops = 16;
    private const int MaxStopLength = 256;

    /// <summary>Takes the fields that chat and text completions share.</summary>
    /// <param name="fields">The request.</param>
    /// <param name="maxTokens">The most tokens where the request does not say; null for no limit.</param>
    /// <param name="limits">The daemon's own.</param>
    public static Generation Read(Fields fields, int? maxTokens, OpenAiOptions limits)
    {
        var options = new InferenceOptions
        {
            MaxTokens = fields.FirstOf("max_tokens", "n_predict") == "n_predict"
                ? Predicted(fields)
                : fields.Whole("max_tokens", 1, MostTokens) ?? maxTokens,
            Seed = fields.Long("seed", long.MinValue, long.MaxValue) is { } seed ? ApiNumbers.Seed(seed) : null,
            LogitBias = Bias(fields),
            Stop = Stops(fields),
            Constraint = ConstraintFields.Read(fields),
            FastForward = fields.Flag("fast_forward") ?? false,
            Deadline = limits.Deadline,
            SramWait = limits.SramWait,
        };
        var sampling = new SamplingDefaults
        {
            Temperature = fields.Number("temperature", 0, 2),
            TopP = Probability(fields.Number("top_p", 0, 1)),

            // -1 is how some say that all tokens may be chosen.
            TopK = fields.Whole("top_k", -1, MostTokens) is { } topK ? Math.Max(topK, 0) : null,
            MinP = fields.Number("min_p", 0, 1),
            TypicalP = Probability(fields.Number(fields.FirstOf("typical_p", "typ_p"), 0, 1)),
            RepeatPenalty = fields.Number(fields.FirstOf("repeat_penalty", "repetition_penalty"), 0.01f, 10),
            PenaltyLastN = fields.Whole(fields.FirstOf("repeat_last_n", "penalty_last_n"), 0, SamplingDefaults.MostPenalised),
            FrequencyPenalty = fields.Number("frequency_penalty", -2, 2),
            PresencePenalty = fields.Number("presence_penalty", -2, 2),
        };
        bool stream = fields.Flag("stream") ?? false;
        bool usage = false;
        if (fields.Take("stream_options") is { } streamOptions)
        {
            if (!stream)
                throw ApiError.Invalid("stream_options", "'stream_options' is only for 'stream': true.");
            Fields members = fields.Inner(streamOptions, "stream_options");
            usage = members.Flag("include_usage") ?? false;
            members.Flag("include_obfuscation");
            members.End();
        }

        fields.Text("user");
        return new Generation(
            fields.Text("model") ?? throw Fields.Missing("model"), fields.Whole("n", 1, MaxChoices) ?? 1, stream, usage, options, sampling);
    }

    /// <summary>
    /// The model, once it is sure that it has the tokens that are named; and this, with what the request leaves open taken from the daemon's
    /// configuration, the model's file, and OpenAI's API, in this order.
    /// </summary>
    public (IModelContext Model, Generation Generation) Select(IVai vai, OpenAiOptions limits)
    {
        IModelContext model = vai.Select(Model);
        foreach (int token in Options.LogitBias?.Keys ?? [])
        {
            if (token >= model.Info.VocabularySize)
            {
                throw ApiError.Invalid(
                    "logit_bias", $"'logit_bias' names token {token}; ids of '{Model}' are 0 to {model.Info.VocabularySize - 1}.");
            }
        }

        SamplingDefaults sampling = Sampling.Over(limits.Sampling(model.Name)).Over(model.Info.Sampling).Over(SamplingDefaults.OpenAi);
        return (model, this with { Options = sampling.Apply(Options) });
    }

    // llama.cpp's name for it, where -1 is for as long as it takes.
    private static int? Predicted(Fields fields) => fields.Whole("n_predict", -1, MostTokens) switch
    {
        -1 => null,
        0 => throw ApiError.Invalid("n_predict", "'n_predict' is 0; it must be -1, or 1 or more."),
        { } tokens => tokens,
        null => null,
    };

    private static float? Probability(float? value) => value is { } p ? Math.Max(p, ApiNumbers.LeastTopP) : null;

    private static Dictionary<int, float>? Bias(Fields fields)
    {
        if (fields.Take("logit_bias") is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.Object)
            throw Fields.WrongType("logit_bias", "an object of token ids and numbers", value);
        var bias = new Dictionary<int, float>();
        foreach (JsonProperty member in value.EnumerateObject())
        {
            if (!int.TryParse(member.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int token))
                throw ApiError.Invalid("logit_bias", "'logit_bias' has a member that is no token id. Ids are whole numbers from 0.");
            float added = Fields.NumberOf(member.Value, "logit_bias", -100, 100);
            bias[token] = added <= -100 ? float.NegativeInfinity : added;
        }

        return bias.Count == 0 ? null : bias;
    }

    private static string[]? Stops(Fields fields)
    {
        if (fields.Take("stop") is not { } value)
            return null;
        string[] stops = value.ValueKind switch
        {
            JsonValueKind.String => [value.GetString()!],
            JsonValueKind.Array when value.GetArrayLength() <= MaxStops => [.. value.EnumerateArray().Select(s => Fields.TextOf(s, "stop"))],
            JsonValueKind.Array => throw ApiError.Invalid("stop", $"'stop' has {value.GetArrayLength()} texts; at most {MaxStops} are taken."),
            _ => throw Fields.WrongType("stop", "a string or an array of strings", value),
        };
        if (stops.Any(s => s.Length is 0 or > MaxStopLength))
            throw ApiError.Invalid("stop", $"A text of 'stop' is empty or longer than {MaxStopLength} characters.");
        return stops.Length == 0 ? null : stops;
    }
}
