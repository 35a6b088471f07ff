namespace VAI.Residency;

/// <summary>What is to be embedded: a text, or token ids that are taken as they are.</summary>
internal sealed record EmbeddingInput(string? Text, IReadOnlyList<int>? Tokens);

/// <summary>Vectors in the order of the inputs, and the tokens of all of them.</summary>
internal sealed record Embeddings(ReadOnlyMemory<float>[] Vectors, long Tokens);

/// <summary>A model that takes many texts in one call: they are computed together, several a step.</summary>
internal interface IBatchEmbedder
{
    /// <summary>Most inputs of a call.</summary>
    const int MostInputs = 2048;

    /// <summary>Embeds all inputs, at most <see cref="MostInputs"/>; each is counted before the first is computed, and the first error ends the rest.</summary>
    /// <exception cref="VaiUsageException">As <see cref="IModelContext.EmbedAsync(string, EmbeddingOptions, CancellationToken)"/>.</exception>
    Task<Embeddings> EmbedAllAsync(IReadOnlyList<EmbeddingInput> inputs, EmbeddingOptions? options, CancellationToken cancellationToken);
}

/// <summary>One text as a batch of one.</summary>
internal static class BatchEmbedding
{
    /// <summary>As <see cref="IModelContext.EmbedAsync(string, EmbeddingOptions, CancellationToken)"/>.</summary>
    public static async ValueTask<ReadOnlyMemory<float>> EmbedOneAsync(
        this IBatchEmbedder model, string text, EmbeddingOptions? options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(text);
        return (await model.EmbedAllAsync([new EmbeddingInput(text, null)], options, cancellationToken).ConfigureAwait(false)).Vectors[0];
    }
}
