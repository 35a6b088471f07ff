using VAI.Native.Llama;
using VAI.Sessions;

namespace VAI.Pipeline.Jobs;

/// <summary>Computes a session's KV from its log, all but the last token, whose logits come with the next transaction.</summary>
internal sealed class RebuildJob(Session session, JobTimes times, CancellationToken cancellationToken) : SequenceJob(session, times)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Task => _done.Task;

    public override int Target => Session.Log.Count - 1;

    public override void Expire() => End(null);

    public override void Abandon() => End(
        cancellationToken.IsCancellationRequested ? new OperationCanceledException(cancellationToken) : Session.Disposed());

    protected override void Reached(LlamaContext llama, int row) => End(null);

    protected override void Complete(Exception? error)
    {
        if (error is null)
            _done.TrySetResult();
        else
            _done.TrySetException(error);
    }
}
