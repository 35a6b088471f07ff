using System.Runtime.InteropServices;
using VAI.Native.Llama;

namespace VAI.Native.Rom;

/// <summary>Runs a fixed prompt through models that should be the same, so that their outputs can be compared bit for bit.</summary>
internal static class RomProbe
{
    // No multiple of four: packed kernels take the rows beyond one another way.
    private const int Prompt = 17;
    private const int Chunk = 8;
    private const int Steps = 3;
    private const int Cells = 64;

    /// <summary>What the model gives: the logits of every token, or the embedding.</summary>
    /// <param name="model">The model.</param>
    /// <param name="file">Its file, for errors.</param>
    /// <param name="embedding">Whether it makes embeddings.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    /// <returns>Null where a step fails.</returns>
    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>: an embedding model that makes none.</exception>
    public static float[][]? Outputs(LlamaModel model, string file, bool embedding, CancellationToken cancellationToken)
    {
        using LlamaContext context = Open(model, embedding);
        if (embedding)
            context.RequirePooling(file);
        if (!Decode(context, 0, Prompt, all: true, cancellationToken))
            return null;
        if (embedding)
            return [context.Embedding(0).ToArray()];
        var outputs = new List<float[]>();
        for (int row = 0; row < Prompt; row++)
            outputs.Add(context.Logits(row).ToArray());
        for (int position = Prompt; position < Prompt + Steps; position++)
        {
            if (!Decode(context, position, 1, all: true, cancellationToken))
                return null;
            outputs.Add(context.Logits(0).ToArray());
        }

        return [.. outputs];
    }

    /// <summary>Whether both are the same bits.</summary>
    public static bool Same(float[][]? a, float[][]? b) =>
        a is not null && b is not null && a.Length == b.Length && a.Zip(b).All(pair => Equal(pair.First, pair.Second));

    /// <summary>Whether the last token of the prompt has the same logits however the prompt is cut.</summary>
    public static bool IsBatchInvariant(LlamaModel model, CancellationToken cancellationToken)
    {
        float[]? whole = null;
        foreach (int chunk in new[] { Prompt, Chunk, 1 })
        {
            using LlamaContext context = Open(model, embedding: false);
            int size = 0;
            for (int at = 0; at < Prompt; at += size)
            {
                size = Math.Min(chunk, Prompt - at);
                if (!Decode(context, at, size, all: false, cancellationToken))
                    return false;
            }

            ReadOnlySpan<float> logits = context.Logits(size - 1);
            whole ??= logits.ToArray();
            if (!Equal(whole, logits))
                return false;
        }

        return true;
    }

    /// <summary>
    /// Whether a row gets the same logits when it alone has outputs as when its whole step has: llama.cpp computes what follows the last
    /// layer's attention of rows with outputs only, and its packed kernels take four rows together and the rest one by one.
    /// </summary>
    public static bool AreRowsAlike(LlamaModel model, CancellationToken cancellationToken)
    {
        float[][]? all = null;
        foreach (int? wanted in new int?[] { null, 0, 3, Chunk - 1 })
        {
            using LlamaContext context = Open(model, embedding: false);
            if (!Decode(context, 0, Chunk, row => wanted is null || row == wanted, cancellationToken))
                return false;
            all ??= [.. Enumerable.Range(0, Chunk).Select(row => context.Logits(row).ToArray())];
            if (wanted is { } one && !Equal(all[one], context.Logits(one)))
                return false;
        }

        return true;
    }

    private static LlamaContext Open(LlamaModel model, bool embedding) => new(model, new LlamaContextSettings
    {
        Cells = Cells,
        BatchSize = Prompt,
        MicroBatchSize = Prompt,
        MaxSequences = 1,

        // Half of the cores: llama.cpp's threads wait for each other spinning, and one without a core holds all up.
        Threads = Math.Clamp(Environment.ProcessorCount / 2, 1, 64),
        FlashAttention = 0,
        UnifiedKv = false,
        Embeddings = embedding,
    });

    private static bool Decode(LlamaContext context, int position, int count, bool all, CancellationToken cancellationToken) =>
        Decode(context, position, count, row => all || row == count - 1, cancellationToken);

    private static bool Decode(LlamaContext context, int position, int count, Func<int, bool> wanted, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        context.Batch.Clear();
        for (int i = 0; i < count; i++)
            context.Batch.Add(Token(context, position + i), position + i, 0, logits: wanted(i));
        return context.Decode() == DecodeStatus.Ok;
    }

    // Spread over the vocabulary, the same in every run.
    private static int Token(LlamaContext context, int position) => (int)((13 + (position * 7919L)) % context.Vocabulary);

    private static bool Equal(ReadOnlySpan<float> a, ReadOnlySpan<float> b) =>
        MemoryMarshal.AsBytes(a).SequenceEqual(MemoryMarshal.AsBytes(b));
}
