using System.Text.Json;

namespace VAI.Daemon.OpenAi.Requests;

/// <summary>What a request says to the model's chat template.</summary>
internal static class TemplateFields
{
    private const int MostArguments = 64;

    /// <summary>How the conversation becomes a prompt.</summary>
    /// <exception cref="ApiError">400, naming the field.</exception>
    public static ChatRenderOptions Read(Fields fields, IReadOnlyList<ChatTurn> turns, ThinkingFields thinking)
    {
        bool? begins = fields.Flag("add_generation_prompt"), continues = fields.Flag("continue_final_message");
        bool endsOpen = turns[^1].Role == "assistant";
        if (begins == true && continues == true)
            throw ApiError.Invalid("continue_final_message", "'continue_final_message' and 'add_generation_prompt' are both true: an answer goes on, or begins.");
        if (continues == true && !endsOpen)
            throw ApiError.Invalid("continue_final_message", "'continue_final_message' is true, and the last message is not the assistant's.");
        if (begins == false && !endsOpen)
            throw Fields.Unsupported("add_generation_prompt", "'add_generation_prompt' is false, and there is no assistant's message to go on with. Leave it out.");

        // An assistant's words at the end are the beginning of the answer, unless the request says that another begins.
        return new ChatRenderOptions
        {
            ContinueFinalTurn = endsOpen && begins != true && continues != false,
            EnableThinking = thinking.Enabled,
            ReasoningEffort = thinking.Effort,
            TemplateArguments = Arguments(fields),
        };
    }

    private static Dictionary<string, JsonElement>? Arguments(Fields fields)
    {
        if (fields.Take("chat_template_kwargs") is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.Object)
            throw Fields.WrongType("chat_template_kwargs", "an object", value);
        if (value.GetPropertyCount() > MostArguments)
            throw ApiError.Invalid("chat_template_kwargs", $"'chat_template_kwargs' has more than {MostArguments} members.");
        var arguments = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (JsonProperty member in value.EnumerateObject())
        {
            if (member.Name is "messages" or "add_generation_prompt" or "bos_token" or "eos_token")
                throw ApiError.Invalid("chat_template_kwargs", $"'chat_template_kwargs' names '{member.Name}', which is not a request's to say.");
            arguments[member.Name] = member.Value.Clone();
        }

        return arguments.Count == 0 ? null : arguments;
    }
}
