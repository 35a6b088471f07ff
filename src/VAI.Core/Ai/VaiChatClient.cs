using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace VAI.Ai;

/// <summary>Each request in a session of its own: a bank shares what conversations have in common by itself.</summary>
internal sealed class VaiChatClient(IVai vai, string? model) : IChatClient
{
    private readonly ChatClientMetadata _metadata = new(Provider.Name, Provider.Address, model);

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return AnswerAsync(messages, options, cancellationToken);
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ChatClientMetadata) ? _metadata
            : serviceType == typeof(IVai) ? vai
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    public void Dispose()
    {
    }

    private async IAsyncEnumerable<ChatResponseUpdate> AnswerAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = ChatRequest.From(messages, options, this);
        IModelContext context = Provider.Select(vai, options?.ModelId, model);
        ChatPrompt prompt = await context.RenderChatAsync(request.Turns, request.Rendering, cancellationToken).ConfigureAwait(false);
        InferenceOptions how = request.Options with { Constraint = request.ToolsOf(prompt, options) };
        ToolCallReader? calls = how.Constraint is { Kind: ConstraintKind.Tools } tools ? new ToolCallReader(tools) : null;
        bool called = false;
        string id = $"chatcmpl-{Guid.NewGuid():N}";
        DateTimeOffset created = DateTimeOffset.UtcNow;
        bool begun = false;
        IInferenceSession session = context.OpenSession();
        await using (session.ConfigureAwait(false))
        {
            await foreach (InferenceUpdate update in session.InferAsync(prompt, how, cancellationToken).ConfigureAwait(false))
            {
                // The first one says who answers, also where its token has no text yet.
                bool thought = update.Kind == InferenceUpdateKind.Reasoning;
                if (update.Kind == InferenceUpdateKind.ToolCalls)
                {
                    foreach (ToolCallPart call in calls!.Append(update.Text))
                    {
                        called = true;
                        yield return Update(FunctionCallContent.CreateFromParsedArguments(call.Arguments, call.Id!, call.Name, ChatTurns.Arguments));
                    }
                }
                else if (!begun || (update.Text.Length > 0 && (!thought || request.Thoughts)))
                {
                    yield return Update(thought && request.Thoughts ? new TextReasoningContent(update.Text) : new TextContent(thought ? "" : update.Text));
                }

                begun = true;
                if (update.Result is not { } result)
                    continue;
                ChatResponseUpdate last = Update(new UsageContent(Usage(result)));
                last.FinishReason = Reason(result.FinishReason) is var reason && called && reason == ChatFinishReason.Stop ? ChatFinishReason.ToolCalls : reason;
                last.RawRepresentation = result;
                yield return last;
            }
        }

        ChatResponseUpdate Update(AIContent content) => new(ChatRole.Assistant, [content])
        {
            ResponseId = id,
            MessageId = id,
            ModelId = context.Name,
            CreatedAt = created,
        };
    }

    private static UsageDetails Usage(InferenceResult result) => new()
    {
        InputTokenCount = result.PromptTokens,
        OutputTokenCount = result.GeneratedTokens,
        TotalTokenCount = result.PromptTokens + result.GeneratedTokens,
        ReasoningTokenCount = result.ReasoningTokens,
        CachedInputTokenCount = Math.Min(result.ReusedTokens, result.PromptTokens),
    };

    private static ChatFinishReason Reason(FinishReason reason) =>
        reason is FinishReason.EndOfSequence or FinishReason.StopString ? ChatFinishReason.Stop : ChatFinishReason.Length;
}
