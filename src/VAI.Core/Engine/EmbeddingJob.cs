using VAI.Native.Llama;

namespace VAI.Engine;

/// <summary>One text's embedding: one step.</summary>
internal sealed class EmbeddingJob(LlamaContext context, int[] tokens, CancellationToken cancellationToken) : IPipelineJob
{
    private const int Sequence = 0;
    private readonly TaskCompletionSource<ReadOnlyMemory<float>> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<ReadOnlyMemory<float>> Task => _done.Task;

    public StepResult Step()
    {
        if (cancellationToken.IsCancellationRequested)
        {
            _done.TrySetCanceled(cancellationToken);
            return StepResult.Done;
        }

        context.Batch.Clear();
        for (int i = 0; i < tokens.Length; i++)
            context.Batch.Add(tokens[i], i, Sequence, logits: true);
        try
        {
            if (context.Decode() != DecodeStatus.Ok)
                throw new VaiEngineException(VaiError.NativeFailure, $"llama.cpp could not embed {tokens.Length} tokens.");
            _done.SetResult(Normalise(context.Embedding(Sequence)));
        }
        finally
        {
            context.Clear(Sequence);
        }

        return StepResult.Done;
    }

    public void Fail(Exception error) => _done.TrySetException(error);

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
