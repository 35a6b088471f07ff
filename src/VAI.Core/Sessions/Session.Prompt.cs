using VAI.Pipeline.Jobs;
using VAI.Text;

namespace VAI.Sessions;

/// <content>Prompts that are texts: the session is busy while one becomes tokens, and no lock is held.</content>
internal sealed partial class Session
{
    private CancellationTokenSource? _prompt;

    private async ValueTask<Transaction> BeginAsync(TextPrompt text, InferenceOptions options, long start, CancellationToken cancellationToken)
    {
        var claim = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var prompt = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        int held;
        lock (Gate)
        {
            ThrowIfUnusable();
            _verb = claim.Task;
            _prompt = prompt;
            held = Log.Count;
        }

        try
        {
            int[] tokens = await _model.PromptOfAsync(text, held, prompt.Token).ConfigureAwait(false);
            lock (Gate)
            {
                (_verb, _prompt) = (null, null);
                return Begin(tokens, [], options, start, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Disposed();
        }
        catch (OperationCanceledException e) when (e.CancellationToken != cancellationToken)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        finally
        {
            lock (Gate)
            {
                if (_verb == claim.Task)
                    (_verb, _prompt) = (null, null);
            }

            claim.SetResult();
        }
    }

    // The source is disposed only after it was taken away under the lock.
    private void CancelPrompt()
    {
        lock (Gate)
            _prompt?.Cancel();
    }
}
