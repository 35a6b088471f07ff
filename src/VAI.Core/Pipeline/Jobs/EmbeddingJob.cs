using VAI.Native.Llama;
using VAI.Pipeline.Steps;
using VAI.Sram;

namespace VAI.Pipeline.Jobs;

/// <summary>One text's embedding: all of its tokens in one step, on a line of their own or in a context of their own.</summary>
internal sealed class EmbeddingJob(ModelLane lane, int[] tokens, JobTimes times, CancellationToken cancellationToken) : Job(lane, times)
{
    private readonly TaskCompletionSource<ReadOnlyMemory<float>> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private SramLine? _line;
    private float[]? _embedding;
    private Exception? _error;

    public Task<ReadOnlyMemory<float>> Task => _done.Task;

    public override ReadOnlySpan<int> Log => tokens;

    public override int Target => tokens.Length;

    public override int Cells => tokens.Length;

    public override SramLine? Line => _line;

    public override bool IsPrompt => true;

    public override bool TryPlace(SramPlacer placer, int growth) => (_line = placer.TryTake(Cells, growth)) is not null;

    public override StepDemand Demand(int most) => new(tokens.Length, RowOutputs.All, Whole: true);

    public override void Commit(LlamaContext llama, Range rows)
    {
        if (_error is null)
            _embedding ??= Normalise(llama.Embedding(_line!.Sequence));
        End(_error);
    }

    /// <summary>Computes it by itself, on the thread of whoever has the context. Does not throw: <see cref="Commit"/> says what went wrong.</summary>
    public DecodeStatus Compute(LlamaContext core)
    {
        try
        {
            core.Batch.Clear();
            for (int i = 0; i < tokens.Length; i++)
                core.Batch.Add(tokens[i], i, 0, logits: true);
            DecodeStatus status = core.Decode();
            if (status == DecodeStatus.Ok)
                _embedding = Normalise(core.Embedding(0));
            return status;
        }
        catch (Exception e)
        {
            _error = e;
            return DecodeStatus.Ok;
        }
    }

    public override void Park(SramPlacer placer) => Spoil(placer);

    public override void Rest(SramPlacer placer) => Spoil(placer);

    public override void Spoil(SramPlacer placer)
    {
        if (_line is { } line)
            placer.Return(line);
        _line = null;
    }

    public override void Expire() => End(new VaiUsageException(
        VaiError.DeadlineExceeded, $"The deadline passed before the text's {tokens.Length} tokens were embedded: '{Lane.Name}' was busy. Allow more time."));

    public override void Abandon() => End(new OperationCanceledException(cancellationToken));

    protected override void LetGo()
    {
    }

    protected override void Complete(Exception? error)
    {
        if (error is OperationCanceledException)
            _done.TrySetCanceled(cancellationToken);
        else if (error is not null)
            _done.TrySetException(error);
        else
            _done.TrySetResult(_embedding);
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
