using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using VAI.Native.Llama;

namespace VAI.TestPeer;

/// <summary>A fixed prompt and its greedy continuation, as text that two processes can compare.</summary>
internal static class GreedyRun
{
    private const int Prompt = 13;
    private const int Generated = 24;

    /// <summary>The tokens, and a digest of the logits that each was taken from.</summary>
    public static string Of(LlamaModel model)
    {
        using LlamaContext context = Open(model, embedding: false);
        return Of(context);
    }

    public static string Of(LlamaContext context)
    {
        using var bits = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        context.Clear(0);
        var tokens = new List<int>();
        Decode(context, 0, PromptOf(context));
        for (int i = 0; i < Generated; i++)
        {
            ReadOnlySpan<float> logits = context.Logits(context.Batch.Count - 1);
            bits.AppendData(MemoryMarshal.AsBytes(logits));
            tokens.Add(Largest(logits));
            Decode(context, Prompt + i, [tokens[^1]]);
        }

        return $"{string.Join(' ', tokens.Select(t => t.ToString(CultureInfo.InvariantCulture)))} {Hex(bits.GetHashAndReset())}";
    }

    /// <summary>The prompt's embedding, as a digest and its first number.</summary>
    public static string EmbeddingOf(LlamaModel model)
    {
        using LlamaContext context = Open(model, embedding: true);
        Decode(context, 0, PromptOf(context));
        ReadOnlySpan<float> embedding = context.Embedding(0);
        return $"{embedding[0].ToString(CultureInfo.InvariantCulture)} {Hex(SHA256.HashData(MemoryMarshal.AsBytes(embedding)))}";
    }

    public static LlamaContext Open(LlamaModel model, bool embedding) => new(model, new LlamaContextSettings
    {
        Cells = 64,
        BatchSize = Prompt,
        MicroBatchSize = Prompt,
        MaxSequences = 1,
        // Two would wait for each other while other processes compute.
        Threads = 1,
        FlashAttention = 0,
        Embeddings = embedding,
    });

    private static int[] PromptOf(LlamaContext context) =>
        [.. Enumerable.Range(0, Prompt).Select(i => (int)((17 + (i * 7793L)) % context.Vocabulary))];

    private static void Decode(LlamaContext context, int position, ReadOnlySpan<int> tokens)
    {
        context.Batch.Clear();
        for (int i = 0; i < tokens.Length; i++)
            context.Batch.Add(tokens[i], position + i, 0, logits: context.Settings.Embeddings || i == tokens.Length - 1);
        if (context.Decode() != DecodeStatus.Ok)
            throw new InvalidOperationException("the step did not decode");
    }

    private static int Largest(ReadOnlySpan<float> logits)
    {
        int largest = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            if (logits[i] > logits[largest])
                largest = i;
        }

        return largest;
    }

    private static string Hex(byte[] digest) => "#" + Convert.ToHexStringLower(digest.AsSpan(0, 8));
}
