using VAI.Residency;

namespace VAI.Ai;

/// <summary>Embeds many texts.</summary>
internal static class EmbeddingBatch
{
    /// <exception cref="VaiUsageException"><see cref="VaiError.NotSupported"/>: it is no embedding model.</exception>
    public static void Check(IModelContext model)
    {
        if (!model.Info.IsEmbedding)
            throw new VaiUsageException(VaiError.NotSupported, $"'{model.Name}' generates text and makes no embeddings. Name an embedding model.");
    }

    /// <exception cref="VaiUsageException"><see cref="VaiError.NotSupported"/>; <see cref="VaiError.ContextFull"/>.</exception>
    public static Task<Embeddings> RunAsync(IModelContext model, IReadOnlyList<EmbeddingInput> inputs, CancellationToken cancellationToken)
    {
        Check(model);
        return model is IBatchEmbedder batch ? TogetherAsync(batch, inputs, cancellationToken) : OneByOneAsync(model, inputs, cancellationToken);
    }

    private static async Task<Embeddings> TogetherAsync(IBatchEmbedder model, IReadOnlyList<EmbeddingInput> inputs, CancellationToken cancellationToken)
    {
        if (inputs.Count <= IBatchEmbedder.MostInputs)
            return await model.EmbedAllAsync(inputs, null, cancellationToken).ConfigureAwait(false);
        var vectors = new List<ReadOnlyMemory<float>>(inputs.Count);
        long tokens = 0;
        foreach (EmbeddingInput[] some in inputs.Chunk(IBatchEmbedder.MostInputs))
        {
            Embeddings embeddings = await model.EmbedAllAsync(some, null, cancellationToken).ConfigureAwait(false);
            vectors.AddRange(embeddings.Vectors);
            tokens += embeddings.Tokens;
        }

        return new Embeddings([.. vectors], tokens);
    }

    // Somebody else's model: a decorator of ours, say.
    private static async Task<Embeddings> OneByOneAsync(IModelContext model, IReadOnlyList<EmbeddingInput> inputs, CancellationToken cancellationToken)
    {
        var vectors = new ReadOnlyMemory<float>[inputs.Count];
        long tokens = 0;
        for (int i = 0; i < vectors.Length; i++)
        {
            string text = inputs[i].Text ?? await model.DetokenizeAsync(inputs[i].Tokens!, special: true, cancellationToken).ConfigureAwait(false);
            tokens += (await model.TokenizeAsync(text, addSpecial: true, parseSpecial: false, cancellationToken).ConfigureAwait(false)).Count;
            vectors[i] = await model.EmbedAsync(text, cancellationToken).ConfigureAwait(false);
        }

        return new Embeddings(vectors, tokens);
    }
}
