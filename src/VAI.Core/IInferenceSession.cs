namespace VAI;

/// <summary>
/// One sequence of tokens on one model. The tokens are the session; its KV is a cache of what was computed of them, which stays
/// between calls, is shared with sessions that begin alike, and is parked or computed again when the bank is short of room.
/// </summary>
/// <remarks>
/// Runs one transaction or other call at a time; the members may be called from any thread. A transaction that fails, or is cancelled
/// before its first token, leaves the session as it was before the call. One that is cancelled later, or whose caller stops
/// reading, keeps the prompt and what was generated. Either way the session can be used again at once.
/// </remarks>
public interface IInferenceSession : IAsyncDisposable
{
    /// <summary>The model.</summary>
    IModelContext Model { get; }

    /// <summary>Tokens in the session: prompts and generated ones.</summary>
    int TokenCount { get; }

    /// <summary>The first tokens, that <see cref="RollbackAsync"/> keeps.</summary>
    int CommittedCount { get; }

    /// <summary>A copy of the session's tokens, oldest first.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.SessionBusy"/> while a transaction runs.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    IReadOnlyList<int> Tokens { get; }

    /// <summary>Appends a prompt and generates.</summary>
    /// <param name="prompt">
    /// The text. Control tokens written in it are read as such; the model's beginning-of-sequence token is added to the
    /// first prompt of a session if the model wants it.
    /// </param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Stops the transaction at its next step.</param>
    /// <returns>
    /// An update for each token, then one whose <see cref="InferenceUpdate.Result"/> is set. The transaction starts with the
    /// enumeration and each enumeration is a transaction of its own, read by one reader: as of any async stream, the next update is not
    /// asked for before the last has come.
    /// </returns>
    /// <exception cref="VaiUsageException">
    /// Thrown by the call: <see cref="VaiError.InvalidOption"/>. Thrown by the enumeration: <see cref="VaiError.ContextFull"/>
    /// (prompt and history are longer than the context; nothing was computed), <see cref="VaiError.SramFull"/> (no room in the bank for
    /// as long as it was to wait), <see cref="VaiError.DeadlineExceeded"/>, <see cref="VaiError.SessionBusy"/>.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The session or its <see cref="IVai"/> was disposed.</exception>
    IAsyncEnumerable<InferenceUpdate> InferAsync(
        string prompt, InferenceOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Appends the prompt of a conversation and generates. Control tokens are read where the template wrote them and nowhere else; the
    /// beginning-of-sequence token stands there once, whether the template writes it or not. What the model thinks is told from what it answers
    /// (<see cref="InferenceUpdate.Kind"/>), unless the options say otherwise.
    /// </summary>
    /// <param name="prompt">What <see cref="IModelContext.RenderChatAsync(IReadOnlyList{ChatTurn}, ChatRenderOptions, CancellationToken)"/> gave.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Stops the transaction at its next step.</param>
    /// <returns>As for the other overload.</returns>
    /// <exception cref="VaiUsageException">As for the other overload.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The session or its <see cref="IVai"/> was disposed.</exception>
    IAsyncEnumerable<InferenceUpdate> InferAsync(
        ChatPrompt prompt, InferenceOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Appends tokens and generates. Nothing is added to them.</summary>
    /// <param name="prompt">Token ids; may be empty if the session already holds tokens.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Stops the transaction at its next step.</param>
    /// <returns>As for the other overload.</returns>
    /// <exception cref="VaiUsageException">As for the other overload; also an id outside the vocabulary.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The session or its <see cref="IVai"/> was disposed.</exception>
    IAsyncEnumerable<InferenceUpdate> InferAsync(
        ReadOnlyMemory<int> prompt, InferenceOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Opens another session with the same tokens, which goes its own way from here. They share their KV.</summary>
    /// <param name="options">Null for this session's.</param>
    /// <param name="cancellationToken">Gives up the call before it starts.</param>
    /// <returns>The new session, which its caller disposes.</returns>
    /// <exception cref="VaiUsageException"><see cref="VaiError.SessionBusy"/>; as for <see cref="IModelContext.OpenSession"/>.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    ValueTask<IInferenceSession> ForkAsync(SessionOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Makes what the session holds now the state to roll back to.</summary>
    /// <param name="cancellationToken">Gives up the call before it starts.</param>
    /// <returns>A task that has ended.</returns>
    /// <exception cref="VaiUsageException"><see cref="VaiError.SessionBusy"/>.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    ValueTask CommitAsync(CancellationToken cancellationToken = default);

    /// <summary>Takes the session back to the last commit, or to its beginning: the transactions since then never happened.</summary>
    /// <param name="cancellationToken">Gives up the call before it starts.</param>
    /// <returns>A task that has ended.</returns>
    /// <exception cref="VaiUsageException"><see cref="VaiError.SessionBusy"/>.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    ValueTask RollbackAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Moves the session's KV out of the bank to host memory; the next transaction brings it back. Without room in
    /// <see cref="VaiOptions.ParkLimit"/> it is dropped, and computed again then.
    /// </summary>
    /// <param name="cancellationToken">Gives up the call before it starts.</param>
    /// <returns>A task that ends when its cells are free.</returns>
    /// <exception cref="VaiUsageException"><see cref="VaiError.SessionBusy"/>.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    ValueTask ParkAsync(CancellationToken cancellationToken = default);

    /// <summary>Drops the session's KV and computes it again from its tokens.</summary>
    /// <param name="cancellationToken">Ends the computing at its next step; the next transaction does the rest.</param>
    /// <returns>A task that ends when it is computed.</returns>
    /// <exception cref="VaiUsageException"><see cref="VaiError.SessionBusy"/>.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    ValueTask RebuildAsync(CancellationToken cancellationToken = default);

    /// <summary>Writes tokens and KV to a file that <see cref="IModelContext.RestoreSessionAsync"/> reads.</summary>
    /// <param name="path">The file; replaced as a whole if it exists, and is a regular one. Only this user can read it.</param>
    /// <param name="cancellationToken">Gives up the call before the file is written.</param>
    /// <returns>A task that ends when the file is on its medium.</returns>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.SessionBusy"/>; <see cref="VaiError.NotSupported"/>: the model was loaded without a ROM.
    /// </exception>
    /// <exception cref="VaiEngineException"><see cref="VaiError.FileNotWritable"/>.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    ValueTask SaveAsync(string path, CancellationToken cancellationToken = default);
}
