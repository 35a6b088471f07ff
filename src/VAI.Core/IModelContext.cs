namespace VAI;

/// <summary>
/// A resident model: weights (ROM) with a bank of KV cache (SRAM) that its sessions share. Thread-safe.
/// </summary>
public interface IModelContext
{
    /// <summary>The handle that selects this model.</summary>
    ModelHandle Handle { get; }

    /// <summary>The name it was loaded under.</summary>
    string Name { get; }

    /// <summary>What the model's file says of it.</summary>
    ModelInfo Info { get; }

    /// <summary>How long loading took: weights, vocabulary and SRAM bank.</summary>
    TimeSpan LoadTime { get; }

    /// <summary>Whether any of its layers are on a GPU.</summary>
    bool OnGpu { get; }

    /// <summary>
    /// What llama.cpp allocated when the model was loaded, to compare with <see cref="IVai.PlanAsync(ModelOptions, CancellationToken)"/>;
    /// null where it did not say.
    /// </summary>
    ModelMemory? Memory { get; }

    /// <summary>The longest session, in tokens.</summary>
    int ContextLength { get; }

    /// <summary>Number of sessions open now.</summary>
    int OpenSessions { get; }

    /// <summary>Opens a session. It takes room in the SRAM bank when it first runs.</summary>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>The session, which its caller disposes.</returns>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.NotSupported"/>: this is an embedding model; <see cref="VaiError.InvalidOption"/>;
    /// <see cref="VaiError.ModelNotLoaded"/>.
    /// </exception>
    IInferenceSession OpenSession(SessionOptions? options = null);

    /// <summary>Opens a session that <see cref="IInferenceSession.SaveAsync"/> wrote, in this process or another.</summary>
    /// <param name="path">
    /// The file. It must have been saved by this user, under the same ROM directory, from the same model; its KV is used where build,
    /// CPU and geometry are the same too, and else computed again.
    /// </param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Gives up the call before it starts.</param>
    /// <returns>The session, which its caller disposes.</returns>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.SessionFileRejected"/>, <see cref="VaiError.FileNotFound"/>, <see cref="VaiError.FileNotReadable"/>,
    /// <see cref="VaiError.ContextFull"/>, or as for <see cref="OpenSession"/>; <see cref="VaiError.NotSupported"/> also for a model
    /// without a ROM.
    /// </exception>
    ValueTask<IInferenceSession> RestoreSessionAsync(
        string path, SessionOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>The model's chat template, as it was read: ChatML where the file has none.</summary>
    /// <param name="template">The name of another that the file has, or a text with Jinja in it; null for the model's own.</param>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidChatTemplate"/>: it cannot be read; <see cref="VaiError.InvalidOption"/>: no such name.</exception>
    ChatTemplate GetChatTemplate(string? template = null);

    /// <summary>The prompt of a conversation as the model's own chat template puts it; ChatML where it has none.</summary>
    /// <param name="turns">1 to 4,096 turns, oldest first.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>The prompt, which knows what in it the template wrote and what the caller.</returns>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.ConversationRejected"/>: the template says why; <see cref="VaiError.InvalidChatTemplate"/>: it cannot be read, or fails;
    /// <see cref="VaiError.InvalidOption"/>: no turns, too many, or a role that is empty; <see cref="VaiError.NotSupported"/>.
    /// </exception>
    ValueTask<ChatPrompt> RenderChatAsync(IReadOnlyList<ChatTurn> turns, ChatRenderOptions options, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="RenderChatAsync(IReadOnlyList{ChatTurn}, ChatRenderOptions, CancellationToken)"/>
    /// <param name="turns">1 to 4,096 turns, oldest first.</param>
    /// <param name="addGenerationPrompt">Ends with the beginning of the assistant's next turn.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    ValueTask<ChatPrompt> RenderChatAsync(
        IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt = true, CancellationToken cancellationToken = default) =>
        RenderChatAsync(turns, new ChatRenderOptions { AddGenerationPrompt = addGenerationPrompt }, cancellationToken);

    /// <summary>The tokens of a conversation's prompt: control tokens where the template wrote them, and nowhere else.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="addSpecial">Whether it begins a session: what the model wants around a prompt is added where the template did not write it.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>Token ids.</returns>
    /// <exception cref="VaiUsageException">The text is too long, or the model was unloaded.</exception>
    ValueTask<IReadOnlyList<int>> TokenizeAsync(ChatPrompt prompt, bool addSpecial = true, CancellationToken cancellationToken = default);

    /// <summary>The tokens of a text.</summary>
    /// <param name="text">
    /// At most 16 MiB as UTF-8. Words of more than 32 Ki characters, which no text has, may be cut where one call of llama.cpp,
    /// had it the stack, would have made a token.
    /// </param>
    /// <param name="addSpecial">Adds what the model wants around a prompt, such as its beginning-of-sequence token.</param>
    /// <param name="parseSpecial">Reads the text of control tokens as those tokens.</param>
    /// <param name="cancellationToken">Gives up the call, within some tens of milliseconds.</param>
    /// <returns>Token ids, each from 0 to <see cref="ModelInfo.VocabularySize"/> minus 1.</returns>
    /// <exception cref="VaiUsageException">The text is too long, or the model was unloaded.</exception>
    ValueTask<IReadOnlyList<int>> TokenizeAsync(
        string text, bool addSpecial = true, bool parseSpecial = true, CancellationToken cancellationToken = default);

    /// <summary>The text of some tokens. Bytes that are no UTF-8 become U+FFFD.</summary>
    /// <param name="tokens">Token ids.</param>
    /// <param name="special">Whether control tokens are written out.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>The text.</returns>
    /// <exception cref="VaiUsageException">An id is outside the vocabulary, or the model was unloaded.</exception>
    ValueTask<string> DetokenizeAsync(
        IReadOnlyList<int> tokens, bool special = false, CancellationToken cancellationToken = default);

    /// <summary>The embedding of a text, normalised to length 1.</summary>
    /// <param name="text">At most <see cref="ContextLength"/> tokens.</param>
    /// <param name="cancellationToken">Gives up the call; a step that has begun goes on for the others in it.</param>
    /// <returns><see cref="ModelInfo.EmbeddingLength"/> values.</returns>
    /// <exception cref="VaiUsageException">As the other overload.</exception>
    ValueTask<ReadOnlyMemory<float>> EmbedAsync(string text, CancellationToken cancellationToken);

    /// <summary>The embedding of a text, normalised to length 1. Texts that wait at the same time are computed together.</summary>
    /// <param name="text">At most <see cref="ContextLength"/> tokens.</param>
    /// <param name="options">When it is due; null for the defaults.</param>
    /// <param name="cancellationToken">Gives up the call; a step that has begun goes on for the others in it.</param>
    /// <returns><see cref="ModelInfo.EmbeddingLength"/> values.</returns>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.NotSupported"/>: not an embedding model; <see cref="VaiError.ContextFull"/>: the text is too long;
    /// <see cref="VaiError.DeadlineExceeded"/>; <see cref="VaiError.InvalidOption"/>.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed meanwhile.</exception>
    ValueTask<ReadOnlyMemory<float>> EmbedAsync(string text, EmbeddingOptions? options = null, CancellationToken cancellationToken = default);
}
