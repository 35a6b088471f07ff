using System.Text.Json;
using VAI.Daemon.OpenAi.Responses;

namespace VAI.Daemon.OpenAi.Requests;

/// <summary><c>POST /v1/completions</c>.</summary>
internal sealed record CompletionRequest(Generation Generation, IReadOnlyList<Prompt> Prompts)
{
    private const int MostAnswers = 32;

    // OpenAI's own.
    private const int DefaultTokens = 16;

    /// <exception cref="ApiError">400, naming the field.</exception>
    public static CompletionRequest Read(JsonElement root, IgnoredFields ignored, OpenAiOptions limits) => Read(new Fields(root, ignored), limits);

    /// <inheritdoc cref="Read(JsonElement, IgnoredFields, OpenAiOptions)"/>
    public static CompletionRequest Read(Fields fields, OpenAiOptions limits)
    {
        var generation = Generation.Read(fields, DefaultTokens, limits);
        fields.RefuseUnless("echo", v => v.ValueKind == JsonValueKind.False, "false");
        fields.RefuseUnless("suffix", v => v.ValueKind == JsonValueKind.String && v.ValueEquals(""u8), "an empty text");
        fields.RefuseUnless(
            "best_of", v => v.ValueKind == JsonValueKind.Number && v.TryGetInt32(out int n) && n == generation.Choices, "the value of 'n'");
        generation = generation with
        {
            Options = generation.Options with { LogProbabilities = fields.Whole("logprobs", 0, Generation.MostLogProbabilities) },
        };
        UnsupportedFields.CheckCompletion(fields);
        JsonElement prompt = fields.Take("prompt") ?? throw Fields.Missing("prompt");
        fields.End();
        Prompt[] prompts = PromptList.Read(prompt, "prompt", MostAnswers);
        if (prompts.Length * generation.Choices > MostAnswers)
        {
            throw ApiError.Invalid(
                "n", $"{prompts.Length} prompts with {generation.Choices} answers each are more than {MostAnswers} answers. Send several requests.");
        }

        return new CompletionRequest(generation, prompts);
    }
}
