using System.Runtime.InteropServices;
using VAI.Native.Llama;

namespace VAI.Native.Rom;

/// <summary>Runs a fixed prompt through two models that should be the same, and compares their outputs bit for bit.</summary>
internal static class RomProbe
{
    // No multiple of four: packed kernels take the rows beyond one another way.
    private const int Prompt = 17;
    private const int Chunk = 8;
    private const int Steps = 3;
    private const int Cells = 64;

    /// <summary>Whether both give the same bits.</summary>
    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>: an embedding model that makes none.</exception>
    public static bool Same(LlamaModel a, LlamaModel b, string file, bool embedding, CancellationToken cancellationToken)
    {
        using LlamaContext first = Open(a, embedding);
        if (embedding)
            first.RequirePooling(file);
        using LlamaContext second = Open(b, embedding);
        if (!Decode(first, 0, Prompt, all: true, cancellationToken) || !Decode(second, 0, Prompt, all: true, cancellationToken))
            return false;
        if (embedding)
            return Equal(first.Embedding(0), second.Embedding(0));
        for (int row = 0; row < Prompt; row++)
        {
            if (!Equal(first.Logits(row), second.Logits(row)))
                return false;
        }

        for (int position = Prompt; position < Prompt + Steps; position++)
        {
            if (!Decode(first, position, 1, all: true, cancellationToken)
                || !Decode(second, position, 1, all: true, cancellationToken)
                || !Equal(first.Logits(0), second.Logits(0)))
            {
                return false;
            }
        }

        return true;
    }

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

    private static bool Decode(LlamaContext context, int position, int count, bool all, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        context.Batch.Clear();
        for (int i = 0; i < count; i++)
            context.Batch.Add(Token(context, position + i), position + i, 0, logits: all || i == count - 1);
        return context.Decode() == DecodeStatus.Ok;
    }

    // Spread over the vocabulary, the same in every run.
    private static int Token(LlamaContext context, int position) => (int)((13 + (position * 7919L)) % context.Vocabulary);

    private static bool Equal(ReadOnlySpan<float> a, ReadOnlySpan<float> b) =>
        MemoryMarshal.AsBytes(a).SequenceEqual(MemoryMarshal.AsBytes(b));
}
