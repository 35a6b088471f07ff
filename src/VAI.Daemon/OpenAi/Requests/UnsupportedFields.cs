using System.Text.Json;

namespace VAI.Daemon.OpenAi.Requests;

/// <summary>
/// Fields, of OpenAI's API and of others in its manner, that would change the answer and cannot be honoured: each is refused by its name, but
/// for the values that ask for nothing.
/// </summary>
internal static class UnsupportedFields
{
    private static readonly (string Field, Func<JsonElement, bool> Harmless, string Only)[] Both =
    [
        ("ignore_eos", Is(false), "false"),
        ("min_tokens", Is(0), "0"),
        ("stop_token_ids", IsEmpty, "an empty array"),
        ("bad_words", IsEmpty, "an empty array"),
        ("lora", IsEmpty, "an empty array"),
        ("image_data", IsEmpty, "an empty array"),
        ("use_beam_search", Is(false), "false"),
        ("length_penalty", Is(1), "1"),
        ("no_repeat_ngram_size", Is(0), "0"),
        ("mirostat", Is(0), "0"),
        ("dynatemp_range", Is(0), "0"),
        ("xtc_probability", Is(0), "0"),
        ("dry_multiplier", Is(0), "0"),
        ("top_n_sigma", v => v.ValueKind == JsonValueKind.Number && v.GetDouble() <= 0, "0"),
        ("tfs_z", Is(1), "1"),
        ("top_a", Is(0), "0"),
        ("n_probs", Is(0), "0"),
        ("skip_special_tokens", Is(true), "true"),
        ("include_stop_str_in_output", Is(false), "false"),
        ("t_max_predict_ms", v => v.ValueKind == JsonValueKind.Number && v.GetDouble() <= 0, "0"),
    ];

    private static readonly string[] Never =
    [
        "guided_grammar", "structured_outputs", "format", "samplers",
        "prompt_logprobs", "truncate_prompt_tokens",
    ];

    private static readonly (string Field, Func<JsonElement, bool> Harmless, string Only)[] Chat =
    [
        ("functions", IsEmpty, "an empty array"),
        ("function_call", IsAnyOf("none", "auto"), "\"none\" and \"auto\""),
        ("store", Is(false), "false"),
        ("modalities", v => v.ValueKind == JsonValueKind.Array && v.EnumerateArray().All(IsAnyOf("text")), "[\"text\"]"),
        ("verbosity", IsAnyOf("medium"), "\"medium\""),
        ("echo", Is(false), "false"),
        ("add_special_tokens", Is(false), "false"),
    ];

    private static readonly string[] NeverInChat = ["audio", "web_search_options", "chat_template", "moderation"];

    private static readonly (string Field, Func<JsonElement, bool> Harmless, string Only)[] Completion =
    [
        ("echo", Is(false), "false"),
        ("suffix", v => v.ValueKind == JsonValueKind.String && v.ValueEquals(""u8), "an empty text"),
        ("add_special_tokens", Is(true), "true"),
    ];

    /// <exception cref="ApiError">400, naming the field.</exception>
    public static void CheckChat(Fields fields) => Check(fields, [.. Both, .. Chat], [.. Never, .. NeverInChat]);

    /// <exception cref="ApiError">400, naming the field.</exception>
    public static void CheckCompletion(Fields fields) => Check(fields, [.. Both, .. Completion], Never);

    private static void Check(
        Fields fields, ReadOnlySpan<(string Field, Func<JsonElement, bool> Harmless, string Only)> unless, ReadOnlySpan<string> never)
    {
        foreach ((string field, Func<JsonElement, bool> harmless, string only) in unless)
            fields.RefuseUnless(field, harmless, only);
        fields.Refuse(never);
    }

    private static Func<JsonElement, bool> IsAnyOf(params string[] texts) =>
        v => v.ValueKind == JsonValueKind.String && texts.Contains(v.GetString());

    private static Func<JsonElement, bool> Is(bool value) => v => v.ValueKind == (value ? JsonValueKind.True : JsonValueKind.False);

    private static Func<JsonElement, bool> Is(int value) => v => v.ValueKind == JsonValueKind.Number && v.TryGetDouble(out double n) && n == value;

    private static bool IsEmpty(JsonElement value) => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0;
}
