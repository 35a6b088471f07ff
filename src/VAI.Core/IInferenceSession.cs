namespace VAI;

/// <summary>
/// One sequence of tokens on one model. Its KV stays between calls, so that each call continues where the last one ended.
/// </summary>
/// <remarks>
/// Runs one transaction at a time; the members may be called from any thread. A transaction that fails, or is cancelled
/// before its first token, leaves the session as it was before the call. One that is cancelled later, or whose caller stops
/// reading, keeps the prompt and what was generated. Either way the session can be used again at once.
/// </remarks>
public interface IInferenceSession : IAsyncDisposable
{
    /// <summary>The model.</summary>
    IModelContext Model { get; }

    /// <summary>Tokens in the session: prompts and generated ones.</summary>
    int TokenCount { get; }

    /// <summary>A copy of the session's tokens, oldest first.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.SessionBusy"/> while a transaction runs.</exception>
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
    /// enumeration and each enumeration is a transaction of its own.
    /// </returns>
    /// <exception cref="VaiUsageException">
    /// Thrown by the call: <see cref="VaiError.InvalidOption"/>. Thrown by the enumeration: <see cref="VaiError.ContextFull"/>
    /// (prompt and history are longer than the context; nothing was computed), <see cref="VaiError.SramFull"/>,
    /// <see cref="VaiError.SessionBusy"/>.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The session or its <see cref="IVai"/> was disposed.</exception>
    IAsyncEnumerable<InferenceUpdate> InferAsync(
        string prompt, InferenceOptions? options = null, CancellationToken cancellationToken = default);

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
}
