using VAI.Diagnostics;

namespace VAI.Pipeline;

/// <content>The lane's end: no job is left that nobody ends.</content>
internal sealed partial class ModelLane
{
    // Why there are no turns any more.
    private Exception? _closed;

    public void Close(Exception error)
    {
        Interlocked.CompareExchange(ref _closed, error, null);
        EndIncoming(error);
        foreach (List<SequenceJob> jobs in (List<SequenceJob>[])[_waiting, _running, _blocked])
        {
            foreach (SequenceJob job in jobs)
            {
                TryEnd(job, error);
                Finish(job);
            }

            jobs.Clear();
        }
    }

    // A job that was never begun is nobody else's, and leaves the queue once: from any thread.
    private void EndIncoming(Exception error)
    {
        while (_incoming.TryDequeue(out SequenceJob? job))
            TryEnd(job, error);
    }

    private static void TryEnd(SequenceJob job, Exception error)
    {
        try
        {
            if (!job.Done)
                job.Fail(error);
        }
        catch (Exception e)
        {
            Faults.Report("A transaction's end", e);
        }
    }
}
