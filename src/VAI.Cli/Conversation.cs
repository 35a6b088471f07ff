namespace VAI.Cli;

/// <summary>
/// A conversation that can go on with another model. Each model that took part keeps a session, to which only what is new is appended,
/// so that nothing is computed twice.
/// </summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class Conversation(string? system) : IAsyncDisposable
{
    private readonly List<ChatTurn> _turns = system is null ? [] : [new ChatTurn("system", system)];
    private readonly Dictionary<string, Part> _parts = new(StringComparer.Ordinal);

    /// <summary>Appends what the user says and the model's answer. Without an answer the conversation stays as it was.</summary>
    /// <param name="model">Who answers.</param>
    /// <param name="prompt">What the user says.</param>
    /// <param name="options">How.</param>
    /// <param name="rendering">How the conversation becomes a prompt.</param>
    /// <param name="show">Given the text as it comes, and what it is.</param>
    /// <param name="cancellation">Stops the answer; what there is of it stays.</param>
    /// <returns>What the answer came to; null if it was stopped.</returns>
    /// <exception cref="VaiException">As <see cref="IInferenceSession.InferAsync(string, InferenceOptions?, CancellationToken)"/>.</exception>
    public async Task<InferenceResult?> AskAsync(
        IModelContext model, string prompt, InferenceOptions options, ChatRenderOptions rendering, Action<string, InferenceUpdateKind> show, CancellationToken cancellation)
    {
        string answer = "", thought = "";
        int before = _turns.Count;
        _turns.Add(new ChatTurn("user", prompt));
        Part? old = _parts.GetValueOrDefault(model.Name), part = null;
        bool done = false;
        try
        {
            ChatPrompt conversation = await model.RenderChatAsync(_turns, rendering, cancellation);
            part = old is not null && old.Begins(model, conversation.Text) ? old : new Part(model.OpenSession());
            InferenceResult? result = null;
            await foreach (InferenceUpdate update in part.Session.InferAsync(conversation.From(part.Text!.Length), options, cancellation))
            {
                if (update.Kind == InferenceUpdateKind.Reasoning)
                    thought += update.Text;
                else
                    answer += update.Text;
                result = update.Result ?? result;
                show(update.Text, update.Kind);
            }

            part.Text = conversation.Text + await GeneratedAsync(part.Session, result!, cancellation);
            Answered(answer, thought);
            done = true;
            return result;
        }
        catch (OperationCanceledException) when (part is not null && cancellation.IsCancellationRequested)
        {
            // The session may hold a token more than was shown.
            part.Text = null;
            if (answer.Length == 0)
                throw;
            Answered(answer, thought);
            done = true;
            return null;
        }
        finally
        {
            if (!done)
                _turns.RemoveRange(before, _turns.Count - before);

            // Only now: what a new session begins with comes from the KV of the old one.
            (Part? stays, Part? goes) = done ? (part, old) : (old, part);
            if (goes is not null && goes != stays)
                await goes.Session.DisposeAsync();
            if (stays is not null)
                _parts[model.Name] = stays;
        }
    }

    // A template cannot put a NUL, which a model can generate.
    private void Answered(string answer, string thought)
    {
        var said = new TextPart(answer.Replace('\0', '\uFFFD'));
        _turns.Add(thought.Length == 0 ? new ChatTurn("assistant", said.Text) : new ChatTurn("assistant", [new ReasoningPart(thought.Replace('\0', '\uFFFD')), said]));
    }

    /// <summary>Forgets what was said, except for the system's text.</summary>
    public async Task ResetAsync()
    {
        _turns.RemoveAll(t => t.Role != "system");
        foreach (Part part in _parts.Values)
            await part.Session.DisposeAsync();
        _parts.Clear();
    }

    public async ValueTask DisposeAsync() => await ResetAsync();

    /// <summary>What was generated, as the template would write it: with the marks of thoughts, and the token that ended it.</summary>
    private static async Task<string> GeneratedAsync(IInferenceSession session, InferenceResult result, CancellationToken cancellation) =>
        await session.Model.DetokenizeAsync([.. session.Tokens.TakeLast(result.GeneratedTokens)], special: true, cancellation);

    private sealed class Part(IInferenceSession session)
    {
        public IInferenceSession Session { get; } = session;

        /// <summary>The text of what it holds; null if that is not known.</summary>
        public string? Text { get; set; } = "";

        /// <summary>Whether the text is what it holds and more. A template may put an answer otherwise than it was generated.</summary>
        public bool Begins(IModelContext model, string text) =>
            Text is not null && Session.Model.Handle == model.Handle && text.Length > Text.Length && text.StartsWith(Text, StringComparison.Ordinal);
    }
}
