using VAI.Text;

namespace VAI.Sessions;

/// <summary>What a session is built of again, in another process: its log and how much of it is committed.</summary>
/// <param name="Log">Token ids, oldest first; a generated token is its complement, whatever the profile.</param>
/// <param name="Committed">How many of them are committed.</param>
internal sealed record SessionState(IReadOnlyList<int> Log, int Committed);

/// <summary>A model that can open a session of a log that was kept elsewhere.</summary>
internal interface IRebuildableModel : IModelContext
{
    /// <summary>Opens a session that holds a log; its KV is computed when it first runs.</summary>
    /// <exception cref="VaiUsageException">As <see cref="IModelContext.OpenSession"/>; the log does not fit the model.</exception>
    IInferenceSession OpenSession(SessionOptions? options, SessionState state);

    /// <summary>The tokens of a text, as <see cref="IModelContext.TokenizeAsync(string, bool, bool, CancellationToken)"/>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="room">The most tokens that are of use.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.ContextFull"/>: it certainly has more than that, which is found out before it is tokenized to its end.
    /// </exception>
    ValueTask<int[]> TokensOfAsync(TokenText text, int room, CancellationToken cancellationToken);
}

/// <summary>Prompts that are given as text, wherever the session's engine is.</summary>
internal static class PromptText
{
    /// <summary>The tokens of a text that goes on what a session holds.</summary>
    public static ValueTask<int[]> PromptOfAsync(this IRebuildableModel model, TextPrompt text, int held, CancellationToken cancellationToken) =>
        model.TokensOfAsync(TokenText.Prompt(text, held), model.RoomBehind(held), cancellationToken);

    /// <summary>The most tokens of a prompt behind what a session holds: one cell is kept for the answer.</summary>
    public static int RoomBehind(this IModelContext model, int held) => model.ContextLength - held - 1;

    /// <inheritdoc cref="PromptOfAsync(IRebuildableModel, TextPrompt, int, CancellationToken)"/>
    public static ValueTask<int[]> PromptOfAsync(this IInferenceSession session, TextPrompt text, CancellationToken cancellationToken) =>
        ((IRebuildableModel)session.Model).PromptOfAsync(text, session.TokenCount, cancellationToken);
}

/// <summary>A model of which it can be said how full its bank is, and what its tokens are like.</summary>
internal interface IMeasuredModel : IModelContext
{
    /// <summary>KV cells in use.</summary>
    int SramUsed { get; }

    /// <summary>The most bytes of a text that one token can stand for; <see cref="int.MaxValue"/> where it could be any number.</summary>
    int LongestPiece { get; }
}

/// <summary>A session whose transaction can be taken up where another process left it.</summary>
internal interface IResumableSession : IInferenceSession
{
    /// <summary>What it holds; a generated token is its complement only where the profile needs that.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.SessionBusy"/>.</exception>
    SessionState State { get; }

    /// <summary>
    /// Takes up a transaction: the updates go on behind those of <paramref name="generated"/>, as if it had never been
    /// interrupted. The seed must be given in the options.
    /// </summary>
    /// <param name="prompt">The prompt's tokens. The session is as it was before them.</param>
    /// <param name="generated">The tokens that were handed over before; empty to begin.</param>
    /// <param name="options">The transaction's options, unchanged; its deadline counts anew.</param>
    /// <param name="cancellationToken">Stops the transaction at its next step.</param>
    IAsyncEnumerable<InferenceUpdate> ResumeAsync(
        ReadOnlyMemory<int> prompt, ReadOnlyMemory<int> generated, InferenceOptions options, CancellationToken cancellationToken = default);
}

/// <summary>An engine that can be told ahead of time what it will have to load.</summary>
internal interface IPreparable
{
    /// <summary>
    /// Attaches the ROMs of these models, and of no other that is not loaded, so that their loads need no more than SRAM, and not even
    /// that where it is small. One that cannot be attached is left out.
    /// </summary>
    ValueTask PrepareAsync(IReadOnlyList<ModelOptions> models, CancellationToken cancellationToken);

    /// <summary>
    /// Loads, side by side, those of these models that are prepared or have a ROM. One that fails or has none is left out: to load it by its
    /// name says why, or burns it.
    /// </summary>
    ValueTask LoadReadyAsync(IReadOnlyList<ModelOptions> models, CancellationToken cancellationToken);
}
