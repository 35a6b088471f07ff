using Microsoft.Extensions.AI;

namespace VAI.Ai;

/// <summary>Messages and options, as the engine takes them.</summary>
internal sealed record ChatRequest(IReadOnlyList<ChatTurn> Turns, InferenceOptions Options)
{
    /// <exception cref="VaiUsageException">A member asks for what is not supported, or is out of range.</exception>
    public static ChatRequest From(IEnumerable<ChatMessage> messages, ChatOptions? options, IChatClient client)
    {
        var turns = new List<ChatTurn>();
        if (!string.IsNullOrEmpty(options?.Instructions))
            turns.Add(new ChatTurn("system", options.Instructions));
        foreach (ChatMessage message in messages)
            turns.Add(Turn(message));
        if (options is null)
            return new ChatRequest(turns, new InferenceOptions());
        RefuseUnsupported(options);
        return new ChatRequest(turns, Sampling(options, client));
    }

    private static InferenceOptions Sampling(ChatOptions o, IChatClient client)
    {
        InferenceOptions start = o.RawRepresentationFactory?.Invoke(client) switch
        {
            null => new InferenceOptions(),
            InferenceOptions given => given,
            { } other => throw Provider.Refused(
                $"A RawRepresentationFactory that returns {other.GetType().Name}", $"Return {nameof(InferenceOptions)}, or leave it out."),
        };
        InferenceOptions options = start with
        {
            MaxTokens = o.MaxOutputTokens ?? start.MaxTokens,
            Temperature = o.Temperature ?? start.Temperature,
            TopP = o.TopP is { } topP ? (topP == 0 ? ApiNumbers.LeastTopP : topP) : start.TopP,
            TopK = o.TopK ?? start.TopK,
            FrequencyPenalty = o.FrequencyPenalty ?? start.FrequencyPenalty,
            PresencePenalty = o.PresencePenalty ?? start.PresencePenalty,
            Seed = o.Seed is { } seed ? ApiNumbers.Seed(seed) : start.Seed,
            Stop = o.StopSequences is { Count: > 0 } stops ? [.. stops] : start.Stop,
        };
        foreach ((string key, object? value) in o.AdditionalProperties ?? [])
        {
            options = key switch
            {
                "min_p" => options with { MinP = Number(key, value) },
                "typical_p" => options with { TypicalP = Number(key, value) },
                "repeat_penalty" => options with { RepeatPenalty = Number(key, value) },
                "penalty_last_n" => options with { PenaltyLastN = (int)Number(key, value) },
                _ => throw Provider.Refused(
                    $"The additional property '{key}'", "Those known are min_p, typical_p, repeat_penalty and penalty_last_n; leave it out."),
            };
        }

        return options;
    }

    private static void RefuseUnsupported(ChatOptions o)
    {
        if (o.Tools is { Count: > 0 })
            throw Provider.Refused("ChatOptions.Tools", "Leave tools out.");
        if (o.ToolMode is RequiredChatToolMode)
            throw Provider.Refused("A ChatOptions.ToolMode that requires a tool", "Leave it out, or use Auto or None.");
        if (o.ResponseFormat is not (null or ChatResponseFormatText))
            throw Provider.Refused("A ChatOptions.ResponseFormat other than text", "Leave it out, and ask for the format in the prompt.");
        if (o.ConversationId is not null)
            throw Provider.Refused("ChatOptions.ConversationId", "Send the whole conversation: what was computed of it is reused.");
        if (o.Reasoning is { } reasoning
            && (reasoning.Effort is not (null or ReasoningEffort.None) || reasoning.Output is not (null or ReasoningOutput.None)))
        {
            throw Provider.Refused("ChatOptions.Reasoning", "Leave it out.");
        }

#pragma warning disable MEAI001 // Experimental members, which must not be ignored all the same.
        if (o.ContinuationToken is not null)
            throw Provider.Refused("ChatOptions.ContinuationToken", "Send the whole conversation.");
        if (o.AllowBackgroundResponses == true)
            throw Provider.Refused("ChatOptions.AllowBackgroundResponses", "Leave it out.");
#pragma warning restore MEAI001
    }

    private static ChatTurn Turn(ChatMessage message)
    {
        string role = message.Role.Value switch
        {
            "system" or "developer" => "system",
            "user" => "user",
            "assistant" => "assistant",
            { } other => throw Provider.Refused($"A message of the role '{other}'", "The roles are system, user and assistant."),
        };
        foreach (AIContent content in message.Contents)
        {
            // Thoughts of an earlier turn are that turn's.
            if (content is not (TextContent or UsageContent or TextReasoningContent))
                throw Provider.Refused($"A message with {content.GetType().Name}", "Models here read text alone.");
        }

        return new ChatTurn(role, message.Text);
    }

    private static float Number(string key, object? value)
    {
        try
        {
            return value is System.Text.Json.JsonElement json ? json.GetSingle() : Convert.ToSingle(value, System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is FormatException or InvalidCastException or OverflowException or InvalidOperationException)
        {
            throw new VaiUsageException(VaiError.InvalidOption, $"The additional property '{key}' is {value ?? "null"}; it must be a number.", e);
        }
    }
}
