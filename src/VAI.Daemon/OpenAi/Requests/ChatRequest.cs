using System.Text.Json;
using VAI.Daemon.OpenAi.Responses;

namespace VAI.Daemon.OpenAi.Requests;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
/// <param name="Generation">What is asked of the model.</param>
/// <param name="Turns">The conversation.</param>
/// <param name="Rendering">How it becomes a prompt.</param>
/// <param name="Tools">What it may call.</param>
/// <param name="Apart">Whether what the model thinks is told from what it answers.</param>
internal sealed record ChatRequest(Generation Generation, IReadOnlyList<ChatTurn> Turns, ChatRenderOptions Rendering, ToolFields Tools, bool Apart)
{
    /// <exception cref="ApiError">400, naming the field.</exception>
    public static ChatRequest Read(JsonElement root, IgnoredFields ignored, OpenAiOptions limits) => Read(new Fields(root, ignored), limits);

    /// <inheritdoc cref="Read(JsonElement, IgnoredFields, OpenAiOptions)"/>
    public static ChatRequest Read(Fields fields, OpenAiOptions limits)
    {
        int? most = fields.Whole("max_completion_tokens", 1, Generation.MostTokens);
        var generation = Generation.Read(fields, null, limits);
        if (most is not null)
            generation = generation with { Options = generation.Options with { MaxTokens = most } };

        var tools = ToolFields.Read(fields);
        UnsupportedFields.CheckChat(fields);
        bool logProbabilities = fields.Flag("logprobs") ?? false;
        int top = fields.Whole("top_logprobs", 0, Generation.MostLogProbabilities) ?? 0;
        if (top > 0 && !logProbabilities)
            throw ApiError.Invalid("top_logprobs", "'top_logprobs' is only for 'logprobs': true.");
        if (logProbabilities)
            generation = generation with { Options = generation.Options with { LogProbabilities = top } };

        // Hints to the server that cannot change the answer.
        if (fields.Text("service_tier") is not (null or "auto" or "default"))
            fields.Ignore("service_tier");
        fields.Ignore("prediction", "prompt_cache_options");
        fields.Text("safety_identifier");
        fields.Text("prompt_cache_key");
        fields.Text("prompt_cache_retention");
        if (fields.Take("metadata") is { ValueKind: not JsonValueKind.Object } metadata)
            throw Fields.WrongType("metadata", "an object", metadata);
        JsonElement messages = fields.Take("messages") ?? throw Fields.Missing("messages");
        IReadOnlyList<ChatTurn> turns = ChatMessages.Read(fields, messages);
        var thinking = ThinkingFields.Read(fields);
        ChatRenderOptions rendering = TemplateFields.Read(fields, turns, thinking) with { Tools = tools.Tools.Count > 0 ? tools.Tools : null };
        fields.End();

        generation = generation with { Options = generation.Options with { ReasoningBudget = thinking.Budget } };
        return new ChatRequest(generation, turns, rendering, tools, thinking.Apart);
    }
}
