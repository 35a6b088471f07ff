namespace VAI.Remote;

/// <summary>The other side of a socket that speaks VAI's API: a daemon, or the daemon's own engine process.</summary>
internal interface IEndpoint
{
    /// <summary>Connects.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.DaemonUnavailable"/>: nobody answers.</exception>
    ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken);

    /// <summary>
    /// A connection broke in the middle of what was asked. Returns once it makes sense to ask again: the other side is there, with the
    /// models that were loaded.
    /// </summary>
    /// <param name="model">The model it was asked of; null if none.</param>
    /// <param name="cause">What broke.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="VaiEngineException">
    /// <see cref="VaiError.DaemonUnavailable"/>, <see cref="VaiError.EngineLost"/> or <see cref="VaiError.ModelQuarantined"/>: asking again
    /// is of no use.
    /// </exception>
    ValueTask RecoverAsync(string? model, Exception cause, CancellationToken cancellationToken);
}
