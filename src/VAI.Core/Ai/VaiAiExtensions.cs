using Microsoft.Extensions.AI;
using VAI.Ai;

namespace VAI;

/// <summary>Microsoft.Extensions.AI's abstractions over an <see cref="IVai"/>, in process or a daemon's.</summary>
public static class VaiAiExtensions
{
    /// <summary>
    /// A chat client. Each request runs in a session of its own; what it shares with earlier conversations is not computed again, and
    /// is reported as cached input tokens. Nothing is loaded on the way: load the models first.
    /// </summary>
    /// <remarks>
    /// Thread-safe. Disposing it does nothing: the engine is its owner's. Every member of <see cref="ChatOptions"/> is honoured or refused:
    /// hosted tools, conversation ids, continuation tokens and background responses are refused, with <see cref="VaiError.NotSupported"/>; a schema that
    /// cannot be held with <see cref="VaiError.InvalidConstraint"/>. A seed is folded to 32 bits; without one the output varies.
    /// <see cref="ChatOptions.AdditionalProperties"/> may hold <c>min_p</c>, <c>typical_p</c>, <c>repeat_penalty</c>,
    /// <c>penalty_last_n</c>, <c>reasoning_budget</c>, <c>fast_forward</c> and <c>enable_thinking</c>; <see cref="ChatOptions.RawRepresentationFactory"/> may return the <see cref="InferenceOptions"/> that the other
    /// members then change. Messages are of the roles system, user, assistant and tool.
    /// </remarks>
    /// <param name="vai">Answers.</param>
    /// <param name="model">The model of requests without <see cref="ChatOptions.ModelId"/>; null for the only one that is loaded.</param>
    /// <returns>The client. Its errors are those of <see cref="IInferenceSession.InferAsync(string, InferenceOptions?, CancellationToken)"/>.</returns>
    public static IChatClient AsIChatClient(this IVai vai, string? model = null)
    {
        ArgumentNullException.ThrowIfNull(vai);
        return new VaiChatClient(vai, model);
    }

    /// <summary>An embedding generator. Nothing is loaded on the way: load the model first.</summary>
    /// <remarks>
    /// Thread-safe. Disposing it does nothing: the engine is its owner's. Vectors have length 1. Dimensions other than the model's, raw
    /// representations and additional properties are refused, with <see cref="VaiError.NotSupported"/>.
    /// </remarks>
    /// <param name="vai">Answers.</param>
    /// <param name="model">The model of requests without <see cref="EmbeddingGenerationOptions.ModelId"/>; null for the only one that is loaded.</param>
    /// <returns>The generator. Its errors are those of <see cref="IModelContext.EmbedAsync(string, EmbeddingOptions, System.Threading.CancellationToken)"/>.</returns>
    public static IEmbeddingGenerator<string, Embedding<float>> AsIEmbeddingGenerator(this IVai vai, string? model = null)
    {
        ArgumentNullException.ThrowIfNull(vai);
        return new VaiEmbeddingGenerator(vai, model);
    }
}
