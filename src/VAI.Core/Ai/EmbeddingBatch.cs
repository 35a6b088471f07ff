namespace VAI.Ai;

/// <summary>Embeds many texts.</summary>
internal static class EmbeddingBatch
{
    // The engine puts texts that wait together into one step.
    private const int AtOnce = 32;

    /// <exception cref="VaiUsageException"><see cref="VaiError.NotSupported"/>: it is no embedding model.</exception>
    public static void Check(IModelContext model)
    {
        if (!model.Info.IsEmbedding)
            throw new VaiUsageException(VaiError.NotSupported, $"'{model.Name}' generates text and makes no embeddings. Name an embedding model.");
    }

    /// <summary>Counts all before the first is computed.</summary>
    /// <returns>The vectors in the order of the texts, and the tokens of all.</returns>
    /// <exception cref="VaiUsageException"><see cref="VaiError.NotSupported"/>; <see cref="VaiError.ContextFull"/>.</exception>
    public static async Task<(ReadOnlyMemory<float>[] Vectors, long Tokens)> RunAsync(
        IModelContext model, IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        Check(model);
        long tokens = 0;
        for (int i = 0; i < texts.Count; i++)
        {
            int count = (await model.TokenizeAsync(texts[i], addSpecial: true, parseSpecial: false, cancellationToken).ConfigureAwait(false)).Count;
            if (count > model.ContextLength)
            {
                throw new VaiUsageException(
                    VaiError.ContextFull, $"Text {i + 1} of the input has {count} tokens; '{model.Name}' embeds 1 to {model.ContextLength}. Split it.");
            }

            tokens += count;
        }

        var vectors = new ReadOnlyMemory<float>[texts.Count];
        await Parallel.ForAsync(
            0, texts.Count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
            async (i, cancellation) => vectors[i] = await model.EmbedAsync(texts[i], cancellation).ConfigureAwait(false)).ConfigureAwait(false);
        return (vectors, tokens);
    }
}
