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

    /// <summary>How many turns it has.</summary>
    public int Count => _turns.Count;

    /// <summary>Appends what is said and the model's answer. Without an answer the conversation stays as it was.</summary>
    /// <param name="model">Who answers.</param>
    /// <param name="said">What the user says, or what the calls of tools came to.</param>
    /// <param name="options">How.</param>
    /// <param name="rendering">How the conversation becomes a prompt.</param>
    /// <param name="show">Given the text as it comes, and what it is; not the calls of tools.</param>
    /// <param name="cancellation">Stops the answer; what there is of it stays.</param>
    /// <returns>What the answer came to, null if it was stopped; and the calls of tools whose results it waits for.</returns>
    /// <exception cref="VaiException">As <see cref="IInferenceSession.InferAsync(string, InferenceOptions?, CancellationToken)"/>.</exception>
    public async Task<(InferenceResult? Result, IReadOnlyList<ToolCallPart> Calls)> AskAsync(
        IModelContext model, IReadOnlyList<ChatTurn> said, InferenceOptions options, ChatRenderOptions rendering, Action<string, InferenceUpdateKind> show, CancellationToken cancellation)
    {
        string answer = "", thought = "";
        List<ToolCallPart> calls = [];
        int before = _turns.Count;
        _turns.AddRange(said);
        Part? old = _parts.GetValueOrDefault(model.Name), part = null;
        bool done = false;
        try
        {
            ChatPrompt conversation = await model.RenderChatAsync(_turns, rendering, cancellation);
            part = old is not null && old.Begins(model, conversation.Text) ? old : new Part(model.OpenSession());
            if (rendering.Tools is { } tools)
                options = options with { Constraint = Constraint.Tools(conversation, tools) };
            ToolCallReader? reader = options.Constraint is { } constraint ? new ToolCallReader(constraint) : null;
            InferenceResult? result = null;
            await foreach (InferenceUpdate update in part.Session.InferAsync(conversation.From(part.Text!.Length), options, cancellation))
            {
                result = update.Result ?? result;
                if (update.Kind == InferenceUpdateKind.ToolCalls)
                {
                    calls.AddRange(reader!.Append(update.Text));
                    continue;
                }

                if (update.Kind == InferenceUpdateKind.Reasoning)
                    thought += update.Text;
                else
                    answer += update.Text;
                show(update.Text, update.Kind);
            }

            part.Text = conversation.Text + await GeneratedAsync(part.Session, result!, cancellation);
            Answered(answer, thought, calls);
            done = true;
            return (result, calls);
        }
        catch (OperationCanceledException) when (part is not null && cancellation.IsCancellationRequested)
        {
            // The session may hold a token more than was shown.
            part.Text = null;
            if (answer.Length == 0)
                throw;
            Answered(answer, thought, []);
            done = true;
            return (null, []);
        }
        finally
        {
            if (!done)
                TakeBack(before);

            // Only now: what a new session begins with comes from the KV of the old one.
            (Part? stays, Part? goes) = done ? (part, old) : (old, part);
            if (goes is not null && goes != stays)
                await goes.Session.DisposeAsync();
            if (stays is not null)
                _parts[model.Name] = stays;
        }
    }

    // A template cannot put a NUL, which a model can generate.
    private void Answered(string answer, string thought, List<ToolCallPart> calls)
    {
        var said = new TextPart(answer.Replace('\0', '\uFFFD'));
        ChatPart[] thoughts = thought.Length == 0 ? [] : [new ReasoningPart(thought.Replace('\0', '\uFFFD'))];
        _turns.Add(thoughts.Length + calls.Count == 0 ? new ChatTurn("assistant", said.Text) : new ChatTurn("assistant", [.. thoughts, said, .. calls]));
    }

    /// <summary>Takes back what was said last.</summary>
    /// <param name="count">How many turns stay.</param>
    public void TakeBack(int count) => _turns.RemoveRange(count, _turns.Count - count);

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
