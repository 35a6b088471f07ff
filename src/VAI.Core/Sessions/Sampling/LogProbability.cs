using VAI.Native.Llama;
using VAI.Text;

namespace VAI.Sessions.Sampling;

/// <summary>
/// The model's own distribution, before bias, mask, penalties and chain. Used by one thread at a time; what it returns is new memory,
/// and nothing else is.
/// </summary>
internal sealed class LogProbability
{
    public const int MostTop = 20;

    private readonly TokenPieces _pieces;
    private readonly int _top;

    private LogProbability(LlamaVocab vocab, int top)
    {
        _pieces = new TokenPieces(vocab, special: true);
        _top = top;
    }

    /// <returns>Null where the options ask for none.</returns>
    public static LogProbability? For(InferenceOptions o, LlamaVocab vocab) => o.LogProbabilities is { } top ? new LogProbability(vocab, top) : null;

    /// <summary>The logarithm of the sum of the exponentials: what is taken off a logit to have a log probability.</summary>
    public static double Normaliser(ReadOnlySpan<float> logits)
    {
        float highest = Row.Max(logits);
        return float.IsFinite(highest) ? highest + Math.Log(Row.Weights(logits, highest, 1, [])) : double.NaN;
    }

    /// <summary>What a row says of the token that followed.</summary>
    /// <param name="logits">The row, unchanged.</param>
    /// <param name="token">The token.</param>
    public TokenLogProbabilities Of(ReadOnlySpan<float> logits, int token)
    {
        double normaliser = Normaliser(logits);
        Span<ulong> best = stackalloc ulong[MostTop];
        int count = _top == 0 ? 0 : TopTokens.Select(logits, _top, best);
        var top = new TokenLogProbability[count];
        for (int i = 0; i < count; i++)
            top[i] = Entry(Candidate.Token(best[i]), logits, normaliser);
        return new TokenLogProbabilities(Entry(token, logits, normaliser), top);
    }

    private TokenLogProbability Entry(int token, ReadOnlySpan<float> logits, double normaliser) =>
        new(token, (float)(logits[token] - normaliser), _pieces.Of(token).ToArray());
}
