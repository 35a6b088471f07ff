using VAI.Daemon.OpenAi.Requests;
using VAI.Sram;

namespace VAI.Daemon.OpenAi.Responses;

/// <summary>
/// After an answer, the history as the next turn will have it: a template may leave thoughts out or trim what was said, and a model's own tokens may
/// be others than those of its text. What differs is computed while the client reads, so that the next turn computes no more than what is new.
/// </summary>
/// <param name="shared">Whether a later request may use what was computed for an earlier one.</param>
/// <param name="ending">Cancelled when the daemon ends.</param>
internal sealed class Settling(bool shared = true, CancellationToken ending = default)
{
    // What is not worth a step of its own.
    private const int FewTokens = 8;

    private const int MostAtOnce = 8;

    // No user's text; what stands before it is the history.
    private const string Next = "\uE0F2\uE0F3vai-next\uE0F3\uE0F2";

    // Work that nobody waits for, which may be behind all others.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    // Longer than a history of mostly known tokens takes; a request is then better off by computing it itself.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly List<Work> _works = [];

    /// <summary>Begins it, if there is something to compute.</summary>
    /// <param name="model">The model.</param>
    /// <param name="request">What was asked.</param>
    /// <param name="answer">What was said.</param>
    /// <param name="held">The tokens of the session that said it.</param>
    public void Begin(IModelContext model, ChatRequest request, string answer, IReadOnlyList<int> held)
    {
        if (!shared || ending.IsCancellationRequested)
            return;
        var work = new Work(model.Name, PrefixTag.Current, ending);
        lock (_gate)
        {
            if (_works.Count >= MostAtOnce)
                return;
            _works.Add(work);
        }

        _ = Task.Run(() => RunAsync(work, model, request, answer, held));
    }

    /// <summary>Waits for a history of the same client's that a prompt goes on from: it would else be computed twice. No longer than two seconds.</summary>
    public async Task WaitAsync(IModelContext model, ChatPrompt prompt, CancellationToken cancellationToken)
    {
        Work[] works = Of(w => w.Model == model.Name && w.Tag == PrefixTag.Current);
        if (works.Length == 0)
            return;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(LongestWait);
        foreach (Work work in works)
        {
            try
            {
                if (await work.History.Task.WaitAsync(limit.Token).ConfigureAwait(false) is not { } history || !prompt.Text.StartsWith(history, StringComparison.Ordinal))
                    continue;
                await work.Done.Task.WaitAsync(limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                work.Stop();
            }
        }
    }

    /// <summary>Ends what is computed with a model: it is to go, and nobody asked for this.</summary>
    public async ValueTask StopAsync(string model)
    {
        Work[] works = Of(w => w.Model == model);
        foreach (Work work in works)
            work.Stop();
        await Task.WhenAll(works.Select(w => w.Done.Task)).WaitAsync(LongestWait, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private Work[] Of(Func<Work, bool> which)
    {
        lock (_gate)
            return [.. _works.Where(which)];
    }

    private async Task RunAsync(Work work, IModelContext model, ChatRequest request, string answer, IReadOnlyList<int> held)
    {
        try
        {
            ChatPrompt? history = await HistoryAsync(model, request, answer).ConfigureAwait(false);
            work.History.TrySetResult(history?.Text);
            if (history is null)
                return;
            int[] tokens = [.. await model.TokenizeAsync(history, cancellationToken: work.Stopped).ConfigureAwait(false)];
            int common = tokens.AsSpan().CommonPrefixLength(held.ToArray());
            if (tokens.Length - common <= FewTokens || tokens.Length >= model.ContextLength)
                return;
            IInferenceSession session = model.OpenSession(new SessionOptions { Priority = SessionPriority.Low });
            await using (session.ConfigureAwait(false))
            {
                // The one token is thrown away; what was computed stays at hand. Not where others need the room.
                var few = InferenceOptions.Greedy with { MaxTokens = 1, SramWait = TimeSpan.Zero, Deadline = Longest };
                await foreach (InferenceUpdate _ in session.InferAsync(tokens, few, work.Stopped).ConfigureAwait(false))
                {
                }
            }
        }
        catch (Exception e) when (e is VaiException or OperationCanceledException or ObjectDisposedException)
        {
            // The next turn computes it.
        }
        finally
        {
            lock (_gate)
                _works.Remove(work);
            work.End();
        }
    }

    private static async ValueTask<ChatPrompt?> HistoryAsync(IModelContext model, ChatRequest request, string answer)
    {
        List<ChatTurn> turns = [.. request.Turns];
        if (request.Rendering.ContinueFinalTurn)
            turns[^1] = turns[^1] with { Content = turns[^1].Content + answer, Parts = turns[^1].Parts is { } parts ? [.. parts, new TextPart(answer)] : null };
        else
            turns.Add(new ChatTurn("assistant", answer));
        turns.Add(new ChatTurn("user", Next));
        ChatPrompt prompt = await model.RenderChatAsync(
            turns, request.Rendering with { AddGenerationPrompt = false, ContinueFinalTurn = false }).ConfigureAwait(false);
        int end = prompt.Text.LastIndexOf(Next, StringComparison.Ordinal);
        return end > 0 ? prompt.Until(end) : null;
    }

    private sealed class Work(string model, string? tag, CancellationToken ending)
    {
        private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(ending);

        public string Model => model;

        /// <summary>Whose it is.</summary>
        public string? Tag => tag;

        public CancellationToken Stopped => _stop.Token;

        /// <summary>The history as text, as soon as it is known; null where there is none.</summary>
        public TaskCompletionSource<string?> History { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Stop()
        {
            lock (_stop)
            {
                if (!Done.Task.IsCompleted)
                    _stop.Cancel();
            }
        }

        public void End()
        {
            History.TrySetResult(null);
            lock (_stop)
            {
                Done.TrySetResult();
                _stop.Dispose();
            }
        }
    }
}
