using VAI.Daemon.OpenAi.Requests;

namespace VAI.Daemon.OpenAi.Responses;

/// <summary>
/// After an answer, the history as the next turn will have it: a template may leave thoughts out or trim what was said, and a model's own tokens may
/// be others than those of its text. What differs is computed while the client reads, so that the next turn computes no more than what is new.
/// </summary>
internal sealed class Settling(OpenAiOptions options)
{
    // What is not worth a step of its own.
    private const int FewTokens = 8;

    private const int MostAtOnce = 8;

    // No user's text; what stands before it is the history.
    private const string Next = "\uE0F2\uE0F3vai-next\uE0F3\uE0F2";

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly List<Work> _works = [];

    /// <summary>Begins it, if there is something to compute.</summary>
    /// <param name="model">The model.</param>
    /// <param name="request">What was asked.</param>
    /// <param name="answer">What was said.</param>
    /// <param name="held">The tokens of the session that said it.</param>
    public void Begin(IModelContext model, ChatRequest request, string answer, IReadOnlyList<int> held)
    {
        var work = new Work(model.Name);
        lock (_gate)
        {
            if (_works.Count >= MostAtOnce)
                return;
            _works.Add(work);
        }

        _ = Task.Run(() => RunAsync(work, model, request, answer, held));
    }

    /// <summary>Waits for a history that a prompt goes on from: it would else be computed twice.</summary>
    public async ValueTask WaitAsync(IModelContext model, ChatPrompt prompt, CancellationToken cancellationToken)
    {
        Task[] before;
        lock (_gate)
            before = [.. _works.Where(w => w.Model == model.Name && (w.Text is null || prompt.Text.StartsWith(w.Text, StringComparison.Ordinal))).Select(w => w.Done.Task)];
        if (before.Length > 0)
            await Task.WhenAll(before).WaitAsync(Longest, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private async Task RunAsync(Work work, IModelContext model, ChatRequest request, string answer, IReadOnlyList<int> held)
    {
        try
        {
            ChatPrompt? history = await HistoryAsync(model, request, answer).ConfigureAwait(false);
            if (history is null)
                return;
            work.Text = history.Text;
            int[] tokens = [.. await model.TokenizeAsync(history, cancellationToken: options.Ending).ConfigureAwait(false)];
            int common = tokens.AsSpan().CommonPrefixLength(held.ToArray());
            if (tokens.Length - common <= FewTokens || tokens.Length >= model.ContextLength)
                return;
            IInferenceSession session = model.OpenSession(new SessionOptions { Priority = SessionPriority.Low });
            await using (session.ConfigureAwait(false))
            {
                // The one token is thrown away; what was computed stays at hand. Not where others need the room.
                var few = InferenceOptions.Greedy with { MaxTokens = 1, SramWait = TimeSpan.Zero, Deadline = Longest };
                await foreach (InferenceUpdate _ in session.InferAsync(tokens, few, options.Ending).ConfigureAwait(false))
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
            work.Done.SetResult();
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

    private sealed class Work(string model)
    {
        private volatile string? _text;

        public string Model => model;

        /// <summary>The history; null while it is not known.</summary>
        public string? Text
        {
            get => _text;
            set => _text = value;
        }

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
