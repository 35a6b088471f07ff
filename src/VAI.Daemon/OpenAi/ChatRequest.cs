using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace VAI.Daemon.OpenAi;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal sealed record ChatRequest(Generation Generation, IReadOnlyList<ChatTurn> Turns)
{
    private const int MaxTurns = 4096;

    /// <exception cref="ApiError">400, naming the field.</exception>
    public static ChatRequest Read(JsonElement root, OpenAiOptions limits)
    {
        var fields = new Fields(root);
        int? most = fields.Whole("max_completion_tokens", 1, Generation.MostTokens);
        var generation = Generation.Read(fields, null, limits);
        if (most is not null)
            generation = generation with { Options = generation.Options with { MaxTokens = most } };

        fields.RefuseUnless("tools", v => v.ValueKind == JsonValueKind.Array && v.GetArrayLength() == 0, "an empty array");
        fields.RefuseUnless("functions", v => v.ValueKind == JsonValueKind.Array && v.GetArrayLength() == 0, "an empty array");
        fields.RefuseUnless("tool_choice", IsAnyOf("none", "auto"), "\"none\" and \"auto\"");
        fields.RefuseUnless("function_call", IsAnyOf("none", "auto"), "\"none\" and \"auto\"");
        fields.RefuseUnless("response_format", IsText, "{\"type\": \"text\"}");
        bool logProbabilities = fields.Flag("logprobs") ?? false;
        int top = fields.Whole("top_logprobs", 0, Generation.MostLogProbabilities) ?? 0;
        if (top > 0 && !logProbabilities)
            throw ApiError.Invalid("top_logprobs", "'top_logprobs' is only for 'logprobs': true.");
        if (logProbabilities)
            generation = generation with { Options = generation.Options with { LogProbabilities = top } };
        fields.RefuseUnless("store", v => v.ValueKind == JsonValueKind.False, "false");
        fields.RefuseUnless("modalities", v => v.ValueKind == JsonValueKind.Array && v.EnumerateArray().All(IsAnyOf("text")), "[\"text\"]");
        fields.RefuseUnless("service_tier", IsAnyOf("auto", "default"), "\"auto\" and \"default\"");
        fields.Refuse("audio", "prediction", "web_search_options", "reasoning_effort", "verbosity", "grammar", "json_schema");
        fields.Flag("parallel_tool_calls");
        fields.Text("safety_identifier");
        fields.Text("prompt_cache_key");
        fields.Text("prompt_cache_retention");
        if (fields.Take("metadata") is { ValueKind: not JsonValueKind.Object } metadata)
            throw Fields.WrongType("metadata", "an object", metadata);
        JsonElement messages = fields.Take("messages") ?? throw Fields.Missing("messages");
        fields.End();
        return new ChatRequest(generation, Messages(messages));
    }

    private static ChatTurn[] Messages(JsonElement messages)
    {
        if (messages.ValueKind != JsonValueKind.Array)
            throw Fields.WrongType("messages", "an array", messages);
        int count = messages.GetArrayLength();
        if (count is 0 or > MaxTurns)
            throw ApiError.Invalid("messages", $"'messages' has {count} messages; it must have 1 to {MaxTurns}.");
        return [.. messages.EnumerateArray().Select((m, i) => Message(new Fields(m, $"messages[{i}]")))];
    }

    private static ChatTurn Message(Fields fields)
    {
        string name = fields.NameOf("role");
        string role = fields.Text("role") switch
        {
            "developer" or "system" => "system",
            "user" => "user",
            "assistant" => "assistant",
            "tool" or "function" => throw Fields.Unsupported(name, $"'{name}' is a tool's: tools are not supported here."),
            null => throw Fields.Missing(name),
            _ => throw ApiError.Invalid(name, $"'{name}' must be system, developer, user or assistant."),
        };
        fields.Text("name");

        // An answer may be sent back as it came.
        fields.RefuseUnless("annotations", v => v.ValueKind == JsonValueKind.Array && v.GetArrayLength() == 0, "an empty array");
        fields.RefuseUnless("tool_calls", v => v.ValueKind == JsonValueKind.Array && v.GetArrayLength() == 0, "an empty array");
        fields.Refuse("refusal", "audio", "function_call", "tool_call_id");
        string content = Content(fields.Take("content") ?? throw Fields.Missing(fields.NameOf("content")), fields.NameOf("content"));
        fields.End();
        return new ChatTurn(role, content);
    }

    private static string Content(JsonElement content, string name)
    {
        if (content.ValueKind == JsonValueKind.String)
            return content.GetString()!;
        if (content.ValueKind != JsonValueKind.Array)
            throw Fields.WrongType(name, "a string or an array of parts", content);
        var text = new StringBuilder();
        int at = 0;
        foreach (JsonElement element in content.EnumerateArray())
        {
            var part = new Fields(element, $"{name}[{at++}]");
            string type = part.Text("type") ?? throw Fields.Missing(part.NameOf("type"));
            if (type != "text")
            {
                throw new ApiError(
                    StatusCodes.Status400BadRequest, "unsupported_content", $"'{part.NameOf("type")}' must be text: models here read nothing else.",
                    part.NameOf("type"));
            }

            text.Append(part.Text("text") ?? throw Fields.Missing(part.NameOf("text")));
            part.End();
        }

        return text.ToString();
    }

    private static Func<JsonElement, bool> IsAnyOf(params string[] texts) =>
        v => v.ValueKind == JsonValueKind.String && texts.Contains(v.GetString());

    private static bool IsText(JsonElement format) =>
        format.ValueKind == JsonValueKind.Object && format.TryGetProperty("type", out JsonElement type)
        && type.ValueKind == JsonValueKind.String && type.ValueEquals("text"u8);
}
