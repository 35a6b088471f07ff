using System.Collections.Concurrent;
using VAI.Native.Llama;

namespace VAI.Pipeline;

/// <summary>An embedding model's texts, one a step.</summary>
internal sealed class EmbeddingLane(string name, LlamaContext llama, PipelineThread pipeline) : ILane
{
    private readonly ConcurrentQueue<EmbeddingJob> _jobs = new();

    public string Name => name;

    public bool IsReady => !_jobs.IsEmpty;

    public int Weight => 1;

    public long NextTimer => long.MaxValue;

    public bool Computed { get; private set; }

    /// <summary>Embeds a text. From any thread.</summary>
    public Task<ReadOnlyMemory<float>> EmbedAsync(int[] tokens, CancellationToken cancellationToken)
    {
        var job = new EmbeddingJob(llama, tokens, cancellationToken);
        _jobs.Enqueue(job);
        pipeline.Wake();
        return job.Task;
    }

    public void Step() => Computed = _jobs.TryDequeue(out EmbeddingJob? job) && job.Run();

    /// <summary>A job ends itself.</summary>
    public void Fail(Exception error)
    {
    }
}
