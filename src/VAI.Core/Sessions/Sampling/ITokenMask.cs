namespace VAI.Sessions.Sampling;

/// <summary>
/// What may come next, as a state that is a fold over the log: a constraint. What it says depends on the log alone, so that it may
/// keep what it has folded, and must take back what is cut off. Used by one thread at a time.
/// </summary>
internal interface ITokenMask
{
    /// <summary>What may follow the log.</summary>
    /// <param name="log">
    /// The whole log (entries, see <c>Schedule.Id</c>); a prefix of what was given before, up to the last <see cref="Rewind"/>, or
    /// such a prefix and more.
    /// </param>
    /// <returns>
    /// A bit for each token of the vocabulary, the lowest of the first word for token 0; empty where everything may follow. Valid
    /// until the next call.
    /// </returns>
    ReadOnlySpan<ulong> After(ReadOnlySpan<int> log);

    /// <summary>The log was cut back to a length; other entries may follow.</summary>
    void Rewind(int length);
}
