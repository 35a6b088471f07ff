namespace VAI.Sessions.Sampling;

/// <summary>
/// What the model says of a prompt's tokens, gathered from the rows before them as they are computed. A row that was missed is asked
/// for again: whoever computes the log begins at <see cref="From"/> at the latest.
/// </summary>
internal sealed class PromptLogProbability
{
    private readonly LogProbability _reader;
    private readonly int[] _prompt;
    private readonly int _before;
    private readonly TokenLogProbabilities?[] _all;
    private int _have;

    private PromptLogProbability(LogProbability reader, int before, int[] prompt)
    {
        (_reader, _before, _prompt) = (reader, before, prompt);
        _all = new TokenLogProbabilities?[prompt.Length];

        // Nothing is before the first token of a session.
        _have = before == 0 ? 1 : 0;
    }

    /// <summary>The entry of the log whose row is wanted next; <see cref="int.MaxValue"/> once all are there.</summary>
    public int From => _have < _prompt.Length ? _before + _have - 1 : int.MaxValue;

    /// <summary>One for each token of the prompt; null for what has none.</summary>
    public IReadOnlyList<TokenLogProbabilities?> All => _all;

    /// <returns>Null where the options ask for none.</returns>
    public static PromptLogProbability? For(InferenceOptions o, LogProbability? reader, int before, int[] prompt) =>
        o.PromptLogProbabilities && reader is not null ? new PromptLogProbability(reader, before, prompt) : null;

    /// <summary>Takes the row of an entry of the log, in whose order rows come.</summary>
    public void Add(ReadOnlySpan<float> logits, int entry)
    {
        if (entry != From)
            return;
        _all[_have] = _reader.Of(logits, _prompt[_have]);
        _have++;
    }
}
