using System.Text.Json;
using Microsoft.Extensions.AI;
using VAI.OptionRules;

namespace VAI.Ai;

/// <summary>Messages and options, as the engine takes them.</summary>
/// <param name="Turns">The conversation.</param>
/// <param name="Rendering">How it becomes a prompt.</param>
/// <param name="Options">How the model answers.</param>
/// <param name="Thoughts">Whether what it thinks is handed over.</param>
internal sealed record ChatRequest(IReadOnlyList<ChatTurn> Turns, ChatRenderOptions Rendering, InferenceOptions Options, bool Thoughts)
{
    /// <exception cref="VaiUsageException">A member asks for what is not supported, or is out of range.</exception>
    public static ChatRequest From(IEnumerable<ChatMessage> messages, ChatOptions? options, IChatClient client)
    {
        var turns = new List<ChatTurn>();
        if (!string.IsNullOrEmpty(options?.Instructions))
            turns.Add(new ChatTurn("system", options.Instructions));
        foreach (ChatMessage message in messages)
            turns.Add(ChatTurns.From(message));
        if (options is null)
            return new ChatRequest(turns, new ChatRenderOptions(), new InferenceOptions(), true);
        RefuseUnsupported(options);
        return new ChatRequest(turns, RenderingOf(options), Sampling(options, client), options.Reasoning?.Output is not ReasoningOutput.None);
    }

    /// <summary>What holds an answer to its tools; null where it has none.</summary>
    public Constraint? ToolsOf(ChatPrompt prompt, ChatOptions? options)
    {
        if (Rendering.Tools is not { } tools)
            return Options.Constraint;
        ToolChoice choice = options?.ToolMode switch
        {
            NoneChatToolMode => ToolChoice.None,
            RequiredChatToolMode => ToolChoice.Required,
            _ => ToolChoice.Auto,
        };
        return Constraint.Tools(
            prompt, tools, choice, (options?.ToolMode as RequiredChatToolMode)?.RequiredFunctionName, options?.AllowMultipleToolCalls ?? true, Options.Constraint);
    }

    private static ChatRenderOptions RenderingOf(ChatOptions o) => new()
    {
        Tools = o.Tools is { Count: > 0 } tools ? [.. tools.OfType<AIFunctionDeclaration>().Select(Definition)] : null,
        EnableThinking = o.Reasoning?.Effort is ReasoningEffort.None ? false : o.AdditionalProperties?.GetValueOrDefault("enable_thinking") switch
        {
            null => null,
            bool enabled => enabled,
            System.Text.Json.JsonElement { ValueKind: System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False } json => json.GetBoolean(),
            { } other => throw new VaiUsageException(VaiError.InvalidOption, $"The additional property 'enable_thinking' is {other}; it must be true or false."),
        },
        ReasoningEffort = o.Reasoning?.Effort switch
        {
            ReasoningEffort.Low => "low",
            ReasoningEffort.Medium => "medium",
            ReasoningEffort.High => "high",
            ReasoningEffort.ExtraHigh => "xhigh",
            _ => null,
        },
    };

    private static JsonElement Definition(AIFunctionDeclaration function)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            if (function.JsonSchema.ValueKind == JsonValueKind.Undefined)
                throw OptionCheck.Invalid($"The tool '{function.Name}' has no JsonSchema. Give it one, as {{}} for any arguments.");
            json.WriteString("type"u8, "function"u8);
            json.WriteStartObject("function"u8);
            json.WriteString("name"u8, function.Name);
            json.WriteString("description"u8, function.Description);
            json.WritePropertyName("parameters"u8);
            function.JsonSchema.WriteTo(json);
            if (IsStrict(function))
                json.WriteBoolean("strict"u8, true);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return JsonElement.Parse(stream.ToArray());
    }

    // As clients of other providers are told it: what of a strict tool's schema cannot be held is an error.
    private static bool IsStrict(AIFunctionDeclaration function) =>
        function.AdditionalProperties.Any(p => p.Value is true && p.Key.Equals("strict", StringComparison.OrdinalIgnoreCase));

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
            Constraint = o.ResponseFormat switch
            {
                null => start.Constraint,
                ChatResponseFormatText => null,
                ChatResponseFormatJson { Schema: { ValueKind: JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False } schema } =>
                    Constraint.JsonSchema(AIJsonUtilities.TransformSchema(schema, Closed)),
                ChatResponseFormatJson { Schema: { } other } => Constraint.JsonSchema(other),
                ChatResponseFormatJson => Constraint.JsonObject,
                _ => throw Provider.Refused($"The ChatOptions.ResponseFormat '{o.ResponseFormat.GetType().Name}'", "Use text or JSON."),
            },
            Stop = o.StopSequences is { Count: > 0 } stops ? [.. stops] : start.Stop,
        };
        foreach ((string key, object? value) in o.AdditionalProperties ?? [])
        {
            options = key switch
            {
                "min_p" => options with { MinP = Number(key, value) },
                "typical_p" => options with { TypicalP = Number(key, value) },
                "repeat_penalty" => options with { RepeatPenalty = Number(key, value) },
                "penalty_last_n" => options with { PenaltyLastN = Whole(key, value) },
                "reasoning_budget" => options with { ReasoningBudget = Whole(key, value) },
                "fast_forward" => options with { FastForward = Flag(key, value) },
                "enable_thinking" => options,
                _ => throw Provider.Refused(
                    $"The additional property '{key}'",
                    "Those known are min_p, typical_p, repeat_penalty, penalty_last_n, reasoning_budget, fast_forward and enable_thinking; leave it out."),
            };
        }

        return options;
    }

    // What a type does not have is no part of its values; the schema of one does not say so by itself.
    private static readonly AIJsonSchemaTransformOptions Closed = new() { DisallowAdditionalProperties = true };

    private static void RefuseUnsupported(ChatOptions o)
    {
        if (o.Tools?.FirstOrDefault(t => t is not AIFunctionDeclaration) is { } hosted)
            throw Provider.Refused($"The tool '{hosted.Name}' of the type {hosted.GetType().Name}", "Models here call functions alone.");
        if (o.Tools?.Contains(null!) == true)
            throw OptionCheck.Invalid("A tool of ChatOptions.Tools is null. Leave it out.");
        if (o.ToolMode is RequiredChatToolMode && o.Tools is not { Count: > 0 })
            throw Provider.Refused("A ChatOptions.ToolMode that requires a tool, where there is none,", "Give tools, or leave it out.");
        if (o.Reasoning?.Output is ReasoningOutput.Summary)
            throw Provider.Refused("A ChatOptions.Reasoning.Output of Summary", "Models here tell all that they think: ask for Full, or None.");
        if (o.Reasoning?.Output is not (null or ReasoningOutput.None or ReasoningOutput.Full))
            throw Provider.Refused($"A ChatOptions.Reasoning.Output of {o.Reasoning.Output}", "Ask for Full, or None.");
        if (o.Reasoning?.Effort is not (null or ReasoningEffort.None or ReasoningEffort.Low or ReasoningEffort.Medium or ReasoningEffort.High or ReasoningEffort.ExtraHigh))
            throw Provider.Refused($"A ChatOptions.Reasoning.Effort of {o.Reasoning.Effort}", "Ask for None, Low, Medium, High or ExtraHigh.");
        if (o.ConversationId is not null)
            throw Provider.Refused("ChatOptions.ConversationId", "Send the whole conversation: what was computed of it is reused.");
#pragma warning disable MEAI001 // Experimental members, which must not be ignored all the same.
        if (o.ContinuationToken is not null)
            throw Provider.Refused("ChatOptions.ContinuationToken", "Send the whole conversation.");
        if (o.AllowBackgroundResponses == true)
            throw Provider.Refused("ChatOptions.AllowBackgroundResponses", "Leave it out.");
#pragma warning restore MEAI001
    }

    private static bool Flag(string key, object? value) => value switch
    {
        null or false or System.Text.Json.JsonElement { ValueKind: System.Text.Json.JsonValueKind.Null or System.Text.Json.JsonValueKind.False } => false,
        true or System.Text.Json.JsonElement { ValueKind: System.Text.Json.JsonValueKind.True } => true,
        _ => throw new VaiUsageException(VaiError.InvalidOption, $"The additional property '{key}' is {value}; it must be true or false."),
    };

    private static int Whole(string key, object? value)
    {
        float number = Number(key, value);
        return number == MathF.Truncate(number) ? (int)number : throw OptionCheck.Invalid($"The additional property '{key}' is {value}; it must be a whole number.");
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
