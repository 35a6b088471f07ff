using VAI.Native.Llama;

namespace VAI.Pipeline;

/// <summary>One text's embedding: one step.</summary>
internal sealed class EmbeddingJob(LlamaContext context, int[] tokens, CancellationToken cancellationToken)
{
    private const int Sequence = 0;
    private readonly TaskCompletionSource<ReadOnlyMemory<float>> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<ReadOnlyMemory<float>> Task => _done.Task;

    /// <summary>Computes it. On the pipeline's thread.</summary>
    /// <returns>Whether there was anything to compute.</returns>
    public bool Run()
    {
        if (cancellationToken.IsCancellationRequested)
        {
            _done.TrySetCanceled(cancellationToken);
            return false;
        }

        try
        {
            context.Batch.Clear();
            for (int i = 0; i < tokens.Length; i++)
                context.Batch.Add(tokens[i], i, Sequence, logits: true);
            _done.TrySetResult(context.Decode() == DecodeStatus.Ok
                ? Normalise(context.Embedding(Sequence))
                : throw new VaiEngineException(VaiError.NativeFailure, $"llama.cpp could not embed {tokens.Length} tokens."));
        }
        catch (Exception e)
        {
            _done.TrySetException(e);
        }

        context.Clear(Sequence);
        return true;
    }

    private static float[] Normalise(ReadOnlySpan<float> embedding)
    {
        double sum = 0;
        foreach (float v in embedding)
            sum += (double)v * v;
        float scale = sum > 0 ? (float)(1 / Math.Sqrt(sum)) : 0;
        float[] result = new float[embedding.Length];
        for (int i = 0; i < result.Length; i++)
            result[i] = embedding[i] * scale;
        return result;
    }
}
